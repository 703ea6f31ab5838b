"""The 27 validators, and five of plain values that others are made from.

A service that writes asks those that apply and refuses with `(await validator.rule(...)).require()`; within a
transaction the `Lookups` take its session. `check_order` asks all of them about an order that is stored.
"""
