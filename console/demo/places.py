"""The parts of Bengaluru where the demo company delivers."""

from typing import NamedTuple


class Area(NamedTuple):
    """A delivery area: its name, centre and postal code."""

    name: str
    latitude: float
    longitude: float
    pincode: str


AREAS: tuple[Area, ...] = (
    Area("Indiranagar", 12.9719, 77.6412, "560038"),
    Area("Koramangala", 12.9352, 77.6245, "560034"),
    Area("HSR Layout", 12.9116, 77.6474, "560102"),
    Area("Jayanagar", 12.9299, 77.5826, "560041"),
    Area("JP Nagar", 12.9063, 77.5857, "560078"),
    Area("BTM Layout", 12.9166, 77.6101, "560076"),
    Area("Malleshwaram", 13.0031, 77.5643, "560003"),
    Area("Rajajinagar", 12.9982, 77.5530, "560010"),
    Area("Basavanagudi", 12.9421, 77.5754, "560004"),
    Area("Banashankari", 12.9255, 77.5468, "560070"),
    Area("Whitefield", 12.9698, 77.7500, "560066"),
    Area("Marathahalli", 12.9569, 77.7011, "560037"),
    Area("Bellandur", 12.9304, 77.6784, "560103"),
    Area("Sarjapur Road", 12.9010, 77.6874, "560035"),
    Area("Electronic City", 12.8399, 77.6770, "560100"),
    Area("Hebbal", 13.0358, 77.5970, "560024"),
    Area("Yelahanka", 13.1007, 77.5963, "560064"),
    Area("RT Nagar", 13.0196, 77.5968, "560032"),
    Area("Frazer Town", 12.9988, 77.6129, "560005"),
    Area("Ulsoor", 12.9817, 77.6209, "560008"),
    Area("Domlur", 12.9610, 77.6387, "560071"),
    Area("Vijayanagar", 12.9719, 77.5350, "560040"),
    Area("Nagarbhavi", 12.9594, 77.5120, "560072"),
    Area("Kengeri", 12.9080, 77.4820, "560060"),
    Area("CV Raman Nagar", 12.9863, 77.6637, "560093"),
    Area("Kalyan Nagar", 13.0221, 77.6403, "560043"),
    Area("Yeshwanthpur", 13.0280, 77.5400, "560022"),
    Area("Sadashivanagar", 13.0070, 77.5800, "560080"),
    Area("Bommanahalli", 12.9030, 77.6242, "560068"),
    Area("Kumaraswamy Layout", 12.9081, 77.5553, "560078"),
)

BUILDINGS: tuple[str, ...] = (
    "Sri Sai Residency",
    "Prestige Elm",
    "Brigade Gardenia",
    "Sobha Daffodil",
    "Lakshmi Nilaya",
    "Vaishnavi Terraces",
    "Purva Fairmont",
    "Shanti Niketan",
    "Mantri Alpyne",
    "Ganesh Krupa",
    "Salarpuria Serenity",
    "Golden Orchid Apartments",
    "Adarsh Palm Meadows",
    "Manyata Enclave",
    "Nandi Citadel",
)

CROSSES: tuple[str, ...] = ("1st Cross", "2nd Cross", "3rd Cross", *(f"{n}th Cross" for n in range(4, 19)), "2nd Main")

LANDMARKS: tuple[str, ...] = (
    "Near Ganesha temple",
    "Opp. BMTC bus stop",
    "Behind Nandini booth",
    "Next to MedPlus",
    "Near the water tank",
    "Opp. government school",
    "Above Iyengar bakery",
    "Near the mosque",
    "Beside the park gate",
    "",
)
