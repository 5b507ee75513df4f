"""The checkout service: carts that belong to a logged-in user, and the orders that paying them makes."""

import secrets
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from loadtests.shop.bounded import BoundedDict
from loadtests.shop.catalogue import PRODUCTS
from loadtests.shop.replies import RefusedError, int_field, read_object
from loadtests.shop.service import MOST_BODY_BYTES, Service
from loadtests.shop.tokens import Tokens

_MOST_CARTS = 20_000
_MOST_ORDERS = 20_000
_MOST_QUANTITY = 99


@dataclass(slots=True)
class Cart:
    id: str
    owner: str
    #: product id -> quantity; bounded by the catalogue.
    quantities: dict[int, int] = field(default_factory=dict)
    paid: bool = False

    @property
    def total_cents(self) -> int:
        return sum(PRODUCTS[product].price_cents * quantity for product, quantity in self.quantities.items())

    def as_json(self) -> dict[str, object]:
        items = [{"product_id": product, "quantity": quantity} for product, quantity in self.quantities.items()]
        return {"id": self.id, "items": items, "total_cents": self.total_cents, "paid": self.paid}


@dataclass(frozen=True, slots=True)
class Order:
    id: str
    owner: str
    cart_id: str
    total_cents: int

    def as_json(self) -> dict[str, object]:
        return {"id": self.id, "cart_id": self.cart_id, "total_cents": self.total_cents}


class CheckoutService:
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._carts: BoundedDict[str, Cart] = BoundedDict(most=_MOST_CARTS)
        self._orders: BoundedDict[str, Order] = BoundedDict(most=_MOST_ORDERS)

    def service(self) -> Service:
        routes = (
            Route("/carts", self.open_cart, methods=["POST"], max_body_size=MOST_BODY_BYTES),
            Route("/carts/{id}", self.show_cart),
            Route("/carts/{id}/items", self.add_item, methods=["POST"], max_body_size=MOST_BODY_BYTES),
            Route("/carts/{id}/pay", self.pay, methods=["POST"], max_body_size=MOST_BODY_BYTES),
            Route("/orders/{id}", self.show_order),
        )
        return Service(name="checkout", routes=routes, reset=self._reset)

    async def open_cart(self, request: Request) -> Response:
        cart = Cart(id=secrets.token_hex(8), owner=self._tokens.owner(request))
        self._carts[cart.id] = cart
        return JSONResponse(cart.as_json(), status_code=201)

    async def show_cart(self, request: Request) -> Response:
        return JSONResponse(self._cart(request).as_json())

    async def add_item(self, request: Request) -> Response:
        body = await read_object(request)
        product = int_field(body, "product_id", least=1, most=len(PRODUCTS))
        quantity = int_field(body, "quantity", least=1, most=_MOST_QUANTITY, default=1)
        cart = self._cart(request)
        if cart.paid:
            raise RefusedError(409, "The cart is already paid.")
        cart.quantities[product] = min(cart.quantities.get(product, 0) + quantity, _MOST_QUANTITY)
        return JSONResponse(cart.as_json(), status_code=201)

    async def pay(self, request: Request) -> Response:
        cart = self._cart(request)
        if cart.paid:
            raise RefusedError(409, "The cart is already paid.")
        if not cart.quantities:
            raise RefusedError(409, "The cart is empty.")
        cart.paid = True
        order = Order(id=secrets.token_hex(8), owner=cart.owner, cart_id=cart.id, total_cents=cart.total_cents)
        self._orders[order.id] = order
        return JSONResponse(order.as_json(), status_code=201)

    async def show_order(self, request: Request) -> Response:
        owner = self._tokens.owner(request)
        order = self._orders.get(request.path_params["id"])
        if order is None or order.owner != owner:
            raise RefusedError(404, "There is no such order.")
        return JSONResponse(order.as_json())

    def _cart(self, request: Request) -> Cart:
        owner = self._tokens.owner(request)
        cart = self._carts.get(request.path_params["id"])
        # Somebody else's cart looks like none at all.
        if cart is None or cart.owner != owner:
            raise RefusedError(404, "There is no such cart.")
        return cart

    def _reset(self) -> None:
        self._carts.clear()
        self._orders.clear()
