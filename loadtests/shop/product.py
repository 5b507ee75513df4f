"""The product service: list, search and look up the fixed catalogue."""

import json
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from loadtests.shop.catalogue import CATEGORIES, PRODUCTS, Product
from loadtests.shop.replies import RefusedError, int_query
from loadtests.shop.service import Service

# Encoded once: the catalogue never changes, and this service takes most of a test's requests.
_ENCODED = {product.id: json.dumps(product.as_json(), separators=(",", ":")).encode() for product in PRODUCTS.values()}
_BY_CATEGORY = {
    category: tuple(product for product in PRODUCTS.values() if product.category == category) for category in CATEGORIES
}


def product_service() -> Service:
    routes = (
        Route("/products", list_products),
        Route("/products/search", search_products),
        Route("/products/{id}", show_product),
    )
    return Service(name="product", routes=routes, reset=lambda: None)


async def list_products(request: Request) -> Response:
    category = request.query_params.get("category")
    if category is not None and category not in _BY_CATEGORY:
        raise RefusedError(400, f"category must be one of {', '.join(CATEGORIES)}.")
    return _page(request, tuple(PRODUCTS.values()) if category is None else _BY_CATEGORY[category])


async def search_products(request: Request) -> Response:
    words = request.query_params.get("q", "").lower().split()
    if not words:
        raise RefusedError(400, "Say what to search for: /products/search?q=lamp")
    found = [product for product in PRODUCTS.values() if all(word in product.name for word in words)]
    return _page(request, found)


async def show_product(request: Request) -> Response:
    text = request.path_params["id"]
    encoded = _ENCODED.get(int(text)) if text.isdecimal() and len(text) <= 9 else None
    if encoded is None:
        raise RefusedError(404, "There is no such product.")
    return Response(encoded, media_type="application/json")


def _page(request: Request, products: Sequence[Product]) -> Response:
    page = int_query(request, "page", least=1, most=1000, default=1)
    size = int_query(request, "per_page", least=1, most=100, default=20)
    shown = b",".join(_ENCODED[product.id] for product in products[(page - 1) * size : page * size])
    body = b'{"total":%d,"page":%d,"products":[%b]}' % (len(products), page, shown)
    return Response(body, media_type="application/json")
