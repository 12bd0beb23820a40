"""The words of the demo shop: its parts, the jobs that use them, the cars, and what people say about them."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class Family(NamedTuple):
    """Parts of one kind: the first variant costs `price`, each further one an eighth more."""

    sku: str
    name: str
    price: Decimal
    variants: tuple[str, str, str, str, str]
    tracked: bool = True


class Job(NamedTuple):
    """Work that comes up again and again, and how many of which families of parts it takes."""

    description: str
    parts: tuple[tuple[str, int], ...]

    @property
    def hours(self) -> Decimal:
        """How long it takes: half an hour, and half an hour for each kind of part."""
        return Decimal(1 + len(self.parts)) / 2


class Car(NamedTuple):
    """A model by the first eight characters of its VIN, or nine where its maker puts no check digit in the ninth."""

    vin: str
    plant: str
    make: str
    model: str
    fuel: str = "petrol"


def _family(sku: str, name: str, price: str, variants: str, *, tracked: bool = True) -> Family:
    first, second, third, fourth, fifth = variants.split(", ")
    return Family(sku, name, Decimal(price), (first, second, third, fourth, fifth), tracked)


FAMILIES = (
    _family("OF", "Oil Filter", "7.49", "Small Spin-On, Spin-On, Large Spin-On, Cartridge, Extended Life"),
    _family("AF", "Engine Air Filter", "16.99", "Compact, Panel, Round, Truck, Heavy-Duty"),
    _family("CF", "Cabin Air Filter", "14.99", "Compact, Standard, Large, Carbon, Allergen"),
    _family("FF", "Fuel Filter", "18.49", "In-Line, Canister, In-Tank, Diesel, Heavy-Duty"),
    _family("BPF", "Front Brake Pads", "42.99", "Organic, Semi-Metallic, Ceramic, OE Grade, Heavy-Duty"),
    _family("BPR", "Rear Brake Pads", "38.99", "Organic, Semi-Metallic, Ceramic, OE Grade, Heavy-Duty"),
    _family("BRF", "Front Brake Rotor", "54.99", "280 mm, 296 mm, 312 mm, 330 mm, 345 mm"),
    _family("BRR", "Rear Brake Rotor", "48.99", "260 mm, 272 mm, 286 mm, 300 mm, 320 mm"),
    _family("CAL", "Brake Caliper", "79.99", "Rear Left, Rear Right, Front Left, Front Right, Front with Bracket"),
    _family("SP", "Spark Plug", "4.99", "Copper, Platinum, Double Platinum, Iridium, Ruthenium"),
    _family("IC", "Ignition Coil", "39.99", "Pencil, Block, Rail, Twin, Performance"),
    _family("BAT", "Battery", "149.99", "Group 24F, Group 35, Group 48 (H6), Group 65, Group 94R (H7)"),
    _family("ALT", "Alternator", "189.99", "90 A, 110 A, 130 A, 150 A, 180 A"),
    _family("STR", "Starter Motor", "159.99", "1.0 kW, 1.2 kW, 1.4 kW, 1.7 kW, 2.0 kW"),
    _family("BLT", "Serpentine Belt", "24.99", "4PK0830, 5PK1200, 6PK1565, 6PK2140, 7PK2310"),
    _family("TBK", "Timing Belt Kit", "129.99", "4-Cylinder, 4-Cylinder with Pump, V6, V6 with Pump, Diesel"),
    _family("WP", "Water Pump", "64.99", "4-Cylinder, V6, V8, Electric, Diesel"),
    _family("TH", "Thermostat", "17.99", "82 °C, 88 °C, 92 °C, With Housing, Electronic"),
    _family("RAD", "Radiator", "149.99", "Compact, Sedan, SUV, Truck, Heavy-Duty"),
    _family("RH", "Radiator Hose", "15.99", "Upper, Lower, Bypass, Heater Inlet, Heater Outlet"),
    _family("SHK", "Shock Absorber", "49.99", "Rear, Rear Gas, Front, Front Gas, Heavy-Duty"),
    _family("CA", "Control Arm", "84.99", "Upper Left, Upper Right, Lower Left, Lower Right, Rear"),
    _family("BJ", "Ball Joint", "28.99", "Upper, Lower, Press-In, Bolt-In, Greasable"),
    _family("HUB", "Wheel Hub and Bearing", "89.99", "Rear, Rear with ABS, Front, Front with ABS, Heavy-Duty"),
    _family("WB", "Wiper Blade", "9.99", "16 in, 18 in, 20 in, 22 in, 26 in"),
    _family("OIL", "Engine Oil per Quart", "6.49", "10W-30, 5W-30, 5W-20, 0W-20, 5W-40", tracked=False),
    _family("COO", "Coolant per Gallon", "14.99", "Green, Yellow, Orange, Pink, Blue", tracked=False),
    _family("BF", "Brake Fluid per Bottle", "6.99", "DOT 3, DOT 4, DOT 4 LV, DOT 5.1, Racing", tracked=False),
    _family("ATF", "Transmission Fluid per Quart", "8.99", "Multi, Dexron VI, Mercon LV, CVT, DCT", tracked=False),
    _family("SUP", "Shop Supplies", "3.49", "Rags, Gloves, Brake Cleaner, Thread Sealant, Hardware", tracked=False),
)  # fmt: skip

JOBS = (
    Job("Oil and filter change", (("OF", 1), ("OIL", 5))),
    Job("Oil change and tire rotation", (("OF", 1), ("OIL", 6))),
    Job("60,000 mile service", (("OF", 1), ("OIL", 5), ("AF", 1), ("CF", 1), ("SP", 4))),
    Job("Front brake pads", (("BPF", 1), ("SUP", 1))),
    Job("Front brake pads and rotors", (("BPF", 1), ("BRF", 2), ("SUP", 1))),
    Job("Rear brake pads and rotors", (("BPR", 1), ("BRR", 2), ("SUP", 1))),
    Job("Brake caliper seized: replace it and bleed the brakes", (("CAL", 1), ("BF", 2))),
    Job("Brake fluid flush", (("BF", 3),)),
    Job("Battery test and replacement", (("BAT", 1),)),
    Job("Alternator does not charge: replace it", (("ALT", 1), ("BLT", 1))),
    Job("No crank: replace the starter motor", (("STR", 1),)),
    Job("Misfire on one cylinder: coil and spark plugs", (("IC", 1), ("SP", 4))),
    Job("Spark plugs, all cylinders", (("SP", 6),)),
    Job("Serpentine belt squeals: replace it", (("BLT", 1),)),
    Job("Timing belt and water pump", (("TBK", 1), ("WP", 1), ("COO", 2))),
    Job("Coolant leak: find it and mend it", (("RH", 1), ("COO", 2))),
    Job("Overheating: thermostat and coolant", (("TH", 1), ("COO", 2))),
    Job("Radiator replacement", (("RAD", 1), ("RH", 2), ("COO", 2))),
    Job("Front shocks and alignment", (("SHK", 2),)),
    Job("Clunk over bumps: control arm and ball joint", (("CA", 1), ("BJ", 1))),
    Job("Humming at speed: wheel bearing", (("HUB", 1),)),
    Job("Transmission fluid service", (("ATF", 6),)),
    Job("Fuel filter and system cleaning", (("FF", 1), ("SUP", 1))),
    Job("Wiper blades and washer fluid", (("WB", 2),)),
    Job("Cabin and engine air filters", (("AF", 1), ("CF", 1))),
    Job("Check engine light: read the codes and report", ()),
    Job("Inspection before a long trip", ()),
    Job("Four-wheel alignment", ()),
)

REMARKS = (
    "Please call before any further work.",
    "The car is left overnight; the keys are in the drop box.",
    "The customer waits in the lounge.",
    "Worse on cold mornings.",
    "Noise from the front left wheel at low speed.",
    "Vibration in the steering wheel above 60 mph.",
    "Came back from a road trip; check the fluids too.",
    "Needed by the end of the day.",
    "A second opinion after a quote elsewhere.",
    "Warning light came on yesterday.",
    "Keep the old parts for the customer to see.",
    "Second key is with the front desk.",
)

CANCELLATIONS = (
    "The customer sold the car.",
    "The customer chose another date.",
    "The repair costs more than the car is worth.",
    "Nobody came.",
)

CARS = (
    Car("1HGCM826", "A", "Honda", "Accord"), Car("2HGFC2F5", "H", "Honda", "Civic"),
    Car("1FTFW1E5", "F", "Ford", "F-150"), Car("1FMCU0GD", "U", "Ford", "Escape"),
    Car("1G1ZD5ST", "F", "Chevrolet", "Malibu"), Car("1GCUYDED", "Z", "Chevrolet", "Silverado"),
    Car("1C4RJFAG", "C", "Jeep", "Grand Cherokee"), Car("1C6SRFFT", "N", "Ram", "1500"),
    Car("1N4AL3AP", "C", "Nissan", "Altima"), Car("3N1AB7AP", "Y", "Nissan", "Sentra"),
    Car("4T1B11HK", "U", "Toyota", "Camry"), Car("2T1BURHE", "C", "Toyota", "Corolla"),
    Car("5TDJZRFH", "S", "Toyota", "Highlander"), Car("5NPD84LF", "H", "Hyundai", "Elantra"),
    Car("5XYPGDA3", "G", "Kia", "Sorento"), Car("4S4BSANC", "3", "Subaru", "Outback"),
    Car("5YJ3E1EA", "F", "Tesla", "Model 3", "electric"), Car("3VWD17AJ", "M", "Volkswagen", "Jetta"),
    Car("WVWZZZ1KZ", "W", "Volkswagen", "Golf"), Car("WAUZZZ8KZ", "A", "Audi", "A4"),
    Car("JTDKARFU", "3", "Toyota", "Prius", "hybrid"), Car("JM1BPACL", "1", "Mazda", "3"),
    Car("KNDPMCAC", "7", "Kia", "Sportage"), Car("YV4A22PK", "1", "Volvo", "XC90"),
)  # fmt: skip

COLOURS = ("White", "Black", "Silver", "Gray", "Blue", "Red", "Green", "Beige")
