"""The inspection of forty points that every workshop has until it makes its own."""

from __future__ import annotations

NAME = "40-point inspection"
SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Lights and electrics", (
        "Headlights", "Rear and brake lights", "Indicators and hazard lights", "Horn", "Battery and its terminals",
        "Charging voltage",
    )),
    ("Glass and wipers", (
        "Windscreen", "Wiper blades", "Washers", "Mirrors",
    )),
    ("Tyres and wheels", (
        "Tread, front left", "Tread, front right", "Tread, rear left", "Tread, rear right", "Tyre pressures", "Wheel nuts",
    )),
    ("Brakes", (
        "Front pads and discs", "Rear pads and discs or shoes", "Brake hoses and lines", "Brake fluid", "Parking brake",
    )),
    ("Steering and suspension", (
        "Shock absorbers", "Springs", "Ball joints and tie rods", "Wheel bearings", "Power steering", "Drive shaft boots",
    )),
    ("Under the bonnet", (
        "Engine oil level and condition", "Coolant level and condition", "Drive belts", "Hoses", "Air filter",
        "Leaks of oil, fuel or coolant",
    )),
    ("Under the car", (
        "Exhaust system", "Fuel lines and tank", "Transmission and its oil", "Corrosion of body and chassis",
    )),
    ("Inside", (
        "Seat belts", "Warning lights and stored faults", "Heating and air conditioning",
    )),
)  # fmt: skip
