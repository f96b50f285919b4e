"""Products and prices: flat, by the seat or by tiers, in any currency."""

from standins.stripe import forms
from standins.stripe.errors import invalid, missing, wrong_state
from standins.stripe.forms import boolean, clearable, list_of, natural, one_of, record, text
from standins.stripe.routes import Call, Route, listing, matches, paginate, retrieve
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

_FEATURES = list_of(record({"name": text}, ("name",)))
_PRODUCT: dict[str, forms.Check] = {
    "active": boolean,
    "description": clearable(text),
    "images": list_of(text),
    "marketing_features": _FEATURES,
    "metadata": forms.metadata,
    "name": text,
    "statement_descriptor": text,
    "unit_label": clearable(text),
    "url": clearable(text),
}
_RECURRING = record(
    {
        "interval": one_of("day", "week", "month", "year"),
        "interval_count": natural,
        "usage_type": one_of("licensed"),
    },
    ("interval",),
)
_PRICE: dict[str, forms.Check] = {
    "active": boolean,
    "billing_scheme": one_of("per_unit", "tiered"),
    "currency": text,
    "lookup_key": text,
    "metadata": forms.metadata,
    "nickname": text,
    "product": text,
    "product_data": record({"name": text, "metadata": forms.metadata, "unit_label": text}, ("name",)),
    "recurring": _RECURRING,
    "tax_behavior": one_of("exclusive", "inclusive", "unspecified"),
    "tiers": list_of(
        record({"flat_amount": natural, "unit_amount": natural, "up_to": forms.up_to}, ("up_to",))
    ),
    "tiers_mode": one_of("graduated", "volume"),
    "transfer_lookup_key": boolean,
    "unit_amount": natural,
}
_PRICE_UPDATE: dict[str, forms.Check] = {
    name: _PRICE[name] for name in ("active", "lookup_key", "metadata", "tax_behavior", "transfer_lookup_key")
} | {"nickname": clearable(text)}
_DEFAULT_PRICE = record(
    {"currency": text, "recurring": _RECURRING, "unit_amount": natural, "metadata": forms.metadata},
    ("currency",),
)


def new_product(world: World, params: Obj) -> Obj:
    """Stores a product."""
    now = world.now()
    product: Obj = {
        "id": params.get("id") or new_id("prod", 14),
        "object": "product",
        "active": True,
        "created": now,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": "",
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "unit_label": None,
        "updated": now,
        "url": None,
    }
    if world.store.find(product["id"]):
        raise invalid("id", "Product already exists.", "resource_already_exists")
    product |= {name: value for name, value in params.items() if name in _PRODUCT}
    return world.create(product, event="product.created")


def create_product(call: Call) -> Obj:
    """Creates a product, with a first price if `default_price_data` is given."""
    product = new_product(call.world, call.params)
    data = call.params.get("default_price_data")
    if data:
        price = new_price(call.world, {**data, "product": product["id"]})
        with call.world.changing("product", product["id"], "product.updated") as product:
            product["default_price"] = price["id"]
    return call.world.render(product)


def update_product(call: Call) -> Obj:
    """Changes a product."""
    with call.world.changing("product", call.ids["id"], "product.updated") as product:
        change = {name: value for name, value in call.params.items() if name in (*_PRODUCT, "default_price")}
        change["metadata"] = forms.merged(product["metadata"], call.params.get("metadata", {}))
        product.update(change, updated=call.world.now())
    return call.world.render(product)


def delete_product(call: Call) -> Obj:
    """Deletes a product that has no prices."""
    product = call.world.get("product", call.ids["id"])
    if call.world.store.all("price", product["id"]):
        raise wrong_state("This product cannot be deleted because it has one or more user-created prices.")
    return call.world.delete(product, "product.deleted")


def new_price(world: World, params: Obj) -> Obj:
    """Stores a price. The amount is in minor units of its lower-case currency."""
    currency = params["currency"].lower()
    if len(currency) != 3 or not currency.isalpha():
        raise invalid("currency", f"Invalid currency: {params['currency']}.")
    recurring = params.get("recurring")
    price: Obj = {
        "id": new_id("price"),
        "object": "price",
        "active": params.get("active", True),
        "billing_scheme": params.get("billing_scheme", "per_unit"),
        "created": world.now(),
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": _claimed_key(world, params),
        "metadata": params.get("metadata", {}),
        "nickname": params.get("nickname"),
        "product": params["product"],
        "recurring": _recurring(recurring) if recurring else None,
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        **_amounts(params),
    }
    return world.create(price, parent=price["product"], event="price.created")


def _amounts(params: Obj) -> Obj:
    if params.get("billing_scheme") != "tiered":
        if "unit_amount" not in params:
            raise missing("unit_amount")
        unit = params["unit_amount"]
        return {"tiers_mode": None, "unit_amount": unit, "unit_amount_decimal": str(unit)}
    tiers = params.get("tiers", [])
    ends = [tier["up_to"] for tier in tiers]
    if not ends or ends[-1] is not None or None in ends[:-1] or ends[:-1] != sorted(set(ends[:-1])):
        raise invalid("tiers", "Tiers rise by up_to, and the last one is inf.")
    if "tiers_mode" not in params:
        raise missing("tiers_mode")
    none = {"unit_amount": None, "unit_amount_decimal": None}
    return {**none, "tiers_mode": params["tiers_mode"], "_tiers": [_tier(tier) for tier in tiers]}


def _tier(given: Obj) -> Obj:
    tier: Obj = {"up_to": given["up_to"]}
    for name in ("flat_amount", "unit_amount"):
        amount = given.get(name)
        tier |= {name: amount, f"{name}_decimal": None if amount is None else str(amount)}
    return tier


def _recurring(given: Obj) -> Obj:
    blank = {"interval_count": 1, "meter": None, "usage_type": "licensed"}
    return {**blank, **given}


def _claimed_key(world: World, params: Obj, owner: str | None = None) -> str | None:
    key: str | None = params.get("lookup_key")
    for other in world.store.all("price") if key else []:
        if other["lookup_key"] != key or other["id"] == owner:
            continue
        if not params.get("transfer_lookup_key"):
            raise invalid("lookup_key", f"A price (`{other['id']}`) already uses that lookup key.")
        with world.changing("price", other["id"], "price.updated") as price:
            price["lookup_key"] = None
    return key


def create_price(call: Call) -> Obj:
    """Creates a price for a product, or with a new one from `product_data`."""
    params = dict(call.params)
    if "product_data" in params:
        params["product"] = new_product(call.world, params["product_data"])["id"]
    if "product" not in params:
        raise missing("product")
    call.world.get("product", params["product"], "product")
    return call.world.render(new_price(call.world, params))


def update_price(call: Call) -> Obj:
    """Changes what may change of a price: never its amount."""
    params = dict(call.params)
    params.pop("expand", None)
    if "lookup_key" in params:
        params["lookup_key"] = _claimed_key(call.world, params, call.ids["price"])
    params.pop("transfer_lookup_key", None)
    with call.world.changing("price", call.ids["price"], "price.updated") as price:
        params["metadata"] = forms.merged(price["metadata"], params.get("metadata", {}))
        price.update(params)
    return call.world.render(price)


def list_prices(call: Call) -> Obj:
    """Prices, filtered by product, currency, type, activity and lookup keys."""
    rows = call.world.store.all("price", call.params.get("product"))
    keys = call.params.get("lookup_keys")
    rows = [row for row in rows if matches(row, call.params, ("active", "currency", "type"))]
    return paginate(call, [row for row in rows if not keys or row["lookup_key"] in keys])


_FILTER: dict[str, forms.Check] = {**forms.LIST, "active": boolean, "created": forms.time_range}
ROUTES = [
    Route(
        "POST",
        "/v1/products",
        create_product,
        {**_PRODUCT, "id": text, "default_price_data": _DEFAULT_PRICE},
        ("name",),
    ),
    Route("GET", "/v1/products", listing("product", "active"), _FILTER),
    Route("GET", "/v1/products/{id}", retrieve("product", "id")),
    Route("POST", "/v1/products/{id}", update_product, {**_PRODUCT, "default_price": text}),
    Route("DELETE", "/v1/products/{id}", delete_product),
    Route("POST", "/v1/prices", create_price, _PRICE, ("currency",)),
    Route(
        "GET",
        "/v1/prices",
        list_prices,
        {
            **_FILTER,
            "product": text,
            "currency": text,
            "type": one_of("one_time", "recurring"),
            "lookup_keys": list_of(text),
        },
    ),
    Route("GET", "/v1/prices/{price}", retrieve("price", "price")),
    Route("POST", "/v1/prices/{price}", update_price, _PRICE_UPDATE),
]
