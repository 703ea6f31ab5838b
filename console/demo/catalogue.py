"""What the demo company sells, how it signs its messages, and what its templates say."""

from typing import Any, NamedTuple


class Product(NamedTuple):
    """A product with its selling price in rupees; `steps` are the quantities that people order."""

    name: str
    category: str
    unit: str
    price: float
    steps: tuple[float, ...] = (1, 1, 1, 2)


HALVES = (0.5, 0.5, 1.0, 1.5)

MILK: tuple[Product, ...] = (
    Product("Nandini Toned Milk 500 ml", "milk", "packet", 24.0, (1, 1, 2, 2, 3)),
    Product("Nandini Shubham Milk 500 ml", "milk", "packet", 27.5, (1, 1, 2, 2)),
    Product("A2 Desi Cow Milk 500 ml", "milk", "bottle", 48.0, (1, 1, 2)),
    Product("Buffalo Milk 1 litre", "milk", "bottle", 78.0, (1, 1, 2)),
    Product("Farm Cow Milk 1 litre", "milk", "bottle", 64.5, (1, 1, 2)),
)

GROCERIES: tuple[Product, ...] = (
    Product("Eggs, tray of 6", "eggs", "tray", 51.0),
    Product("Country Eggs, 6", "eggs", "tray", 84.6, (1,)),
    Product("Sandwich Bread 400 g", "bakery", "loaf", 45.0),
    Product("Brown Bread 400 g", "bakery", "loaf", 52.35, (1,)),
    Product("Pav, pack of 6", "bakery", "pack", 28.0),
    Product("Curd 500 g", "dairy", "packet", 29.0),
    Product("Curd Cup 200 g", "dairy", "cup", 19.9, (1, 2, 3, 3)),
    Product("Paneer 200 g", "dairy", "pack", 92.0, (1,)),
    Product("Salted Butter 100 g", "dairy", "pack", 58.1, (1, 1, 3)),
    Product("Cow Ghee 200 ml", "dairy", "jar", 168.5, (1,)),
    Product("Buttermilk 200 ml", "dairy", "packet", 10.2, (1, 2, 3)),
    Product("Idli Dosa Batter 1 kg", "fresh", "pack", 68.0, (1,)),
    Product("Tender Coconut", "fresh", "piece", 42.0),
    Product("Coriander bunch", "vegetables", "bunch", 12.5, (1,)),
    Product("Curry Leaves", "vegetables", "bunch", 5.0),
    Product("Tomato", "vegetables", "kg", 36.0, HALVES),
    Product("Onion", "vegetables", "kg", 32.5, HALVES),
    Product("Nendran Banana", "fruit", "kg", 74.0, HALVES),
    Product("Yelakki Banana", "fruit", "kg", 66.4, HALVES),
    Product("Jasmine flowers, 1 mola", "puja", "mola", 30.0),
    Product("Filter Coffee Powder 100 g", "grocery", "pack", 71.25, (1,)),
)

PRODUCTS: tuple[Product, ...] = MILK + GROCERIES

ORDER_NOTES: tuple[str, ...] = (
    "Leave at the door",
    "Ring the bell twice",
    "Give it to the security guard",
    "Please hang the bag on the gate, dog inside",
    "No plastic bag please",
    "Call before coming",
    "2nd floor, lift not working",
    "దయచేసి తలుపు దగ్గర పెట్టండి",
    "कृपया दरवाज़े पर रखें",
    "Thanks 🙏🥛",
)

REMINDER_ENGLISH = (
    "Dear {{customer_name}}, your milk and grocery bill for {{period}} is ₹{{amount}}. "
    "Please pay by UPI or cash. Thank you."
)
REMINDER_TELUGU = (
    "ప్రియమైన {{customer_name}} గారు, {{period}} నెలకు మీ పాలు మరియు సరుకుల బిల్లు ₹{{amount}}. "
    "దయచేసి UPI లేదా నగదు ద్వారా చెల్లించండి. ధన్యవాదాలు."
)

SETTINGS: dict[str, Any] = {
    "upi_id": "namma-halu@okdemo",
    "qr_code_url": "https://demo.invalid/upi-qr.png",
    "business_name": "Namma Haalu Fresh",
    "business_phone": "+91 80 4000 0000",
    "whatsapp_template_telugu": REMINDER_TELUGU,
    "whatsapp_template_english": REMINDER_ENGLISH,
}


class Stock(NamedTuple):
    """A product under its id in one data set."""

    id: str
    product: Product
