"""The services behind the order: the argument names one, stdin is its payload, stdout its answer.

Every answer is derived from the order id alone, so a repeated call gives the same answer:
that is what makes it safe to retry a step, and to undo one that may not have happened.
"""

import json
import sys


class Refused(Exception):
    """A failure with a name that the workflow can catch."""

    def __init__(self, error_type, message):
        super().__init__(message)
        self.error_type = error_type


def reserve_stock(order):
    for item in order["items"]:
        if item["quantity"] > 10:
            raise Refused("OutOfStock", f"only 10 of {item['sku']} are left")
    return {"reservationId": f"reservation-{order['orderId']}"}


def charge_card(order):
    if order["card"].endswith("0002"):
        raise Refused("CardDeclined", "the bank declined the card")
    return {"paymentId": f"payment-{order['orderId']}", "amountCents": order["amountCents"]}


def ship_order(order):
    if order["country"] == "AQ":
        raise Refused("NoCarrier", "nobody delivers to Antarctica")
    return {"trackingCode": f"{order['country']}-{order['orderId']}"}


def cancel_shipment(order):
    return {"cancelled": order["orderId"]}


def refund_payment(order):
    return {"refundId": f"refund-{order['orderId']}", "amountCents": order["amountCents"]}


def release_stock(order):
    return {"released": order["orderId"]}


SERVICES = {
    "reserve-stock": reserve_stock,
    "charge-card": charge_card,
    "ship-order": ship_order,
    "cancel-shipment": cancel_shipment,
    "refund-payment": refund_payment,
    "release-stock": release_stock,
}

try:
    answer = SERVICES[sys.argv[1]](json.load(sys.stdin))
except Refused as refused:
    print(json.dumps({"errorType": refused.error_type, "errorMessage": str(refused)}))
    sys.exit(1)
print(json.dumps(answer))
