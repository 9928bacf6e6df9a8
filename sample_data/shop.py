"""The articles of the synthetic shop: twelve themes, ten categories, and five variants of each noun."""

VARIANTS = {
    "Books": ("for Beginners", "at Home", "Handbook", "Companion", "Year by Year"),
    "Clothing": ("Linen", "Navy", "Wool", "Striped", "Recycled"),
    "Electronics": ("Compact", "Quiet", "Pro", "Classic", "Black"),
    "Food": ("Organic", "Family-Size", "Gift-Boxed", "Fair-Trade", "Small-Batch"),
    "Furniture": ("Oak", "Walnut", "White", "Black", "Folding"),
    "Home": ("Ceramic", "Blue", "Nordic", "Vintage", "Handmade"),
    "Kitchen": ("Steel", "Copper", "Enamel", "Beechwood", "Stoneware"),
    "Outdoor": ("Lightweight", "Green", "Waterproof", "Heavy-Duty", "Large"),
    "Supplies": ("Starter", "Everyday", "Deluxe", "Pocket", "Studio"),
    "Toys": ("Wooden", "Rainbow", "Giant", "Travel", "My First"),
}
"""Variants per category. In the title of a book the variant follows the noun; in other titles it precedes the noun."""

BRANDS = (
    "Alder & Finch",
    "Brightwater",
    "Casa Nove",
    "Dunmore",
    "Elm Street",
    "Fjordlys",
    "Greyhound",
    "Hillcrest",
)

THEMES = {
    "baking": {
        "Kitchen": {"Loaf Tin": 14, "Rolling Pin": 12, "Proving Bowl": 18, "Cake Stand": 29, "Whisk": 9},
        "Supplies": {"Piping Set": 16},
        "Food": {"Vanilla Extract": 8, "Bread Flour": 5},
        "Clothing": {"Baking Apron": 24},
        "Books": {"Sourdough": 19},
    },
    "coffee": {
        "Electronics": {"Coffee Grinder": 79, "Espresso Machine": 289, "Coffee Scale": 39},
        "Kitchen": {"Milk Jug": 17, "Pour-Over Dripper": 25, "Coffee Canister": 22},
        "Food": {"Espresso Beans": 13, "Filter Coffee": 12},
        "Home": {"Espresso Cups": 28},
        "Books": {"Coffee Brewing": 21},
    },
    "gardening": {
        "Outdoor": {
            "Pruning Shears": 27,
            "Watering Can": 24,
            "Seed Tray": 11,
            "Raised Bed": 89,
            "Compost Bin": 65,
        },
        "Home": {"Plant Pot": 15, "Hanging Planter": 19},
        "Supplies": {"Tomato Seeds": 4},
        "Clothing": {"Garden Gloves": 12},
        "Books": {"Vegetable Growing": 23},
    },
    "home office": {
        "Furniture": {"Desk Lamp": 49, "Standing Desk": 399, "Office Chair": 249, "Monitor Shelf": 45},
        "Electronics": {"Keyboard": 69, "Headset": 89, "Webcam": 59},
        "Supplies": {"Notebook": 12, "Pen Set": 15},
        "Books": {"Deep Work": 18},
    },
    "cycling": {
        "Outdoor": {"Bike Pump": 29, "Pannier Bag": 75, "Bike Lock": 49},
        "Electronics": {"Bike Light": 34, "Cycle Computer": 119},
        "Clothing": {"Cycling Jersey": 59, "Cycling Gloves": 25, "Cycling Cap": 19},
        "Supplies": {"Bike Repair Kit": 17},
        "Books": {"Bike Touring": 22},
    },
    "camping": {
        "Outdoor": {"Tent": 229, "Sleeping Bag": 99, "Camp Stove": 55, "Thermos Flask": 28, "Camp Chair": 45},
        "Electronics": {"Head Torch": 32, "Camp Lantern": 38},
        "Food": {"Trail Mix": 7},
        "Clothing": {"Hiking Socks": 16},
        "Books": {"Wild Camping": 20},
    },
    "yoga": {
        "Outdoor": {"Yoga Mat": 42},
        "Supplies": {"Yoga Block": 14, "Resistance Bands": 21, "Foam Roller": 26, "Massage Ball": 11},
        "Clothing": {"Yoga Leggings": 48, "Yoga Top": 39},
        "Home": {"Meditation Cushion": 36},
        "Food": {"Herbal Tea": 9},
        "Books": {"Yoga": 19},
    },
    "painting": {
        "Supplies": {
            "Watercolour Set": 32,
            "Brush Set": 22,
            "Sketchbook": 14,
            "Acrylic Set": 35,
            "Canvas Pack": 27,
        },
        "Furniture": {"Easel": 79, "Drawing Table": 159},
        "Clothing": {"Painting Smock": 33},
        "Electronics": {"Light Pad": 58},
        "Books": {"Watercolour": 24},
    },
    "knitting": {
        "Supplies": {"Merino Yarn": 13, "Knitting Needles": 17, "Crochet Hooks": 15, "Stitch Markers": 7},
        "Home": {"Yarn Bowl": 26, "Yarn Basket": 34},
        "Clothing": {"Knitting Bag": 29},
        "Furniture": {"Reading Lamp": 59, "Rocking Chair": 179},
        "Books": {"Knitting": 20},
    },
    "young family": {
        "Toys": {
            "Building Blocks": 34,
            "Train Set": 59,
            "Jigsaw Puzzle": 17,
            "Play Tent": 69,
            "Dominoes": 15,
        },
        "Clothing": {"Toddler Apron": 18},
        "Electronics": {"Night Light": 27},
        "Kitchen": {"Lunch Box": 16},
        "Furniture": {"High Chair": 119},
        "Books": {"Family Meals": 17},
    },
    "pets": {
        "Outdoor": {"Dog Lead": 19, "Pet Carrier": 52},
        "Home": {"Dog Bed": 64, "Pet Bowl": 16},
        "Furniture": {"Cat Tree": 95},
        "Supplies": {"Pet Brush": 13},
        "Food": {"Dog Treats": 8, "Cat Treats": 6},
        "Clothing": {"Dog Coat": 37},
        "Books": {"Puppy Training": 16},
    },
    "music": {
        "Electronics": {"Record Player": 179, "Headphones": 129, "Speakers": 219, "Metronome": 29},
        "Supplies": {"Record Brush": 15, "Ukulele Strings": 9, "Guitar Picks": 6},
        "Furniture": {"Music Stand": 38, "Record Crate": 44},
        "Books": {"Music Theory": 23},
    },
}
"""Base price by theme, category and noun."""
