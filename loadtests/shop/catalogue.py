"""The fixed catalogue: 200 products, the same in every process, so no service asks another for a price."""

from dataclasses import dataclass

_CATEGORIES = ("books", "garden", "kitchen", "music", "office", "outdoor", "toys", "travel")
_QUALITIES = ("small", "large", "red", "blue", "green", "light", "sturdy", "folding", "classic", "modern")
_THINGS = (
    "atlas", "backpack", "basket", "bottle", "bowl", "chair", "clock", "drum", "flute", "hammock",
    "kettle", "kite", "lamp", "notebook", "pan", "puzzle", "rake", "robot", "tent", "umbrella",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Product:
    id: int
    name: str
    category: str
    price_cents: int

    def as_json(self) -> dict[str, int | str]:
        return {"id": self.id, "name": self.name, "category": self.category, "price_cents": self.price_cents}


def _product(index: int) -> Product:
    quality, thing = _QUALITIES[index // len(_THINGS)], _THINGS[index % len(_THINGS)]
    return Product(
        id=index + 1,
        name=f"{quality} {thing}",
        category=_CATEGORIES[index % len(_CATEGORIES)],
        price_cents=199 + (index * 7919) % 9800,
    )


CATEGORIES = _CATEGORIES
PRODUCTS = {product.id: product for product in map(_product, range(len(_QUALITIES) * len(_THINGS)))}
