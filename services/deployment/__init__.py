"""What the database needs beside its records, and how it gets there."""
