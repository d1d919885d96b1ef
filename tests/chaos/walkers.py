"""The customers. A crowd comes in cohorts; each ``Walk`` is what some of a cohort do, so many rounds after it arrived. A round is
half an hour of business time."""

import email
import email.policy
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.chaos.town import Town

SHOES = [("RS-101", 699), ("RS-105", 389), ("AC-301", 79)]
_LINK = re.compile(r"http://127\.0\.0\.1:\d+(/l/[\w.~-]+)")
_CONFIRM = re.compile(r"http://127\.0\.0\.1:\d+(/c/[\w.~-]+)")
_CODE = re.compile(r"\b[2-9A-HJ-NP-Z]{8,20}\b")


@dataclass
class Cohort:
    number: int
    openids: list[str]
    buyers: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    """Numbers of their paid orders."""

    def address(self, openid: str) -> str:
        return f"k{openid[-14:].lower().replace('_', '0').replace('-', '1')}@mail.example"


class Walk:
    """``after``: rounds since the arrival."""

    after = 0

    def go(self, town: Town, cohort: Cohort) -> None:
        raise NotImplementedError


class Answer(Walk):
    """Most write at once, each a sentence that nobody else writes; some send a picture, scan again, press the menu, leave."""

    def go(self, town: Town, cohort: Cohort) -> None:
        talking = town.share(cohort.openids, 0.75)
        town.each(lambda one: town.box.act(one, "text", wait=0, text=f"2 越野 第{one[-9:]}句 a"), talking)
        town.each(lambda one: town.box.act(one, "image", wait=0), town.share(cohort.openids, 0.1))
        town.each(lambda one: town.box.act(one, "scan", wait=0), town.share(cohort.openids, 0.1))
        town.each(lambda one: town.box.act(one, "menu", wait=0, key="NEW_SHOES"), town.share(cohort.openids, 0.1))
        town.each(lambda one: town.box.act(one, "unfollow", wait=0), town.share(cohort.openids, 0.04))
        town.each(
            lambda one: town.box.act(one, "text", wait=0, text=f"还有一句 第{one[-9:]}句 b"), town.share(talking, 0.2)
        )


class Click(Walk):
    after = 2

    def go(self, town: Town, cohort: Cohort) -> None:
        town.look()
        reached = [(one, text) for one in cohort.openids for text in town.phones.get(one, [])[:1]]
        town.each(lambda pair: self._click(town, pair[1]), town.share(reached, 0.5))
        town.each(lambda one: town.box.act(one, "text", wait=0, text="TD"), town.share(cohort.openids, 0.05))

    def _click(self, town: Town, text: str) -> None:
        for path in _LINK.findall(text)[:1]:
            for attempt in range(4):
                status = town.request("GET", path)
                if town.journal.note(town.journal.clicks, path, status == 302):
                    return
                time.sleep(2**attempt)


class Form(Walk):
    """Some leave their address in a form and agree to mail."""

    after = 1

    def go(self, town: Town, cohort: Cohort) -> None:
        cohort.buyers = town.share(cohort.openids, 0.3)
        town.each(lambda one: self._form(town, cohort, one), cohort.buyers)

    def _form(self, town: Town, cohort: Cohort, openid: str) -> None:
        given = {"form": "跑团报名", "email": cohort.address(openid), "consent": True, "word": f"form-{openid}"}
        call = {"anonymousId": f"browser-{openid}", "event": "Form Submitted", "properties": given}
        town.track("track", call, given["word"])


class Browse(Walk):
    """They confirm the address, and the shop's server says who they are and what they looked at on three days in a row, which
    earns a coupon."""

    after = 2

    def go(self, town: Town, cohort: Cohort) -> None:
        town.look()
        today = datetime.fromisoformat(town.box.get("/record/summary.json")["now"])
        town.each(lambda one: self._confirm(town, cohort.address(one)), cohort.buyers)
        town.each(lambda one: self._look(town, cohort, one, today), cohort.buyers)

    def _confirm(self, town: Town, address: str) -> None:
        for number in town.mails.get(address, []):
            for path in _CONFIRM.findall(mail_text(town.box.raw_mail(number)))[:1]:
                for attempt in range(4):
                    status = town.submit(path)
                    if town.journal.note(town.journal.confirmed, address, status == 302):
                        return
                    time.sleep(2**attempt)

    def _look(self, town: Town, cohort: Cohort, openid: str, today: datetime) -> None:
        who, address = f"shop-{openid[-12:]}", cohort.address(openid)
        if not town.track("identify", {"userId": who, "traits": {"email": address}}, f"id-{openid}", server=True):
            return
        town.journal.identified[address] = who
        for back in (2, 1, 0):
            told = {"sku": "RS-101", "category": "running-shoes", "word": f"view-{back}-{openid}"}
            moment = (today - timedelta(days=back, minutes=1)).isoformat()
            call = {"userId": who, "event": "Product Viewed", "properties": told, "timestamp": moment}
            town.track("track", call, told["word"], server=True)


class Buy(Walk):
    after = 3

    def go(self, town: Town, cohort: Cohort) -> None:
        town.look()
        town.each(lambda one: self._buy(town, cohort, one), cohort.buyers)

    def _buy(self, town: Town, cohort: Cohort, openid: str) -> None:
        address, pick = cohort.address(openid), int.from_bytes(openid.encode()[-4:], "big")
        sku, price = SHOES[pick % 3]
        town.box.post("/shop/deal", {"openid": openid, "step": "cart", "sku": sku, "quantity": 1 + pick % 2})
        if pick % 10 == 9:
            return  # leaves it in the cart
        code = self._coupon(town, address) if price * (1 + pick % 2) >= 199 else ""
        placed = {"openid": openid, "step": "place", "email": address, "coupon": code}
        number = town.box.post("/shop/deal", placed)["order"]["number"]
        if pick % 12 == 5:
            town.box.post("/shop/deal", {"number": number, "step": "cancel"})
            return
        town.box.post("/shop/deal", {"number": number, "step": "pay"})
        cohort.orders.append(number)
        if code and pick % 4 == 0:
            self._again(town, openid, address, code)

    def _again(self, town: Town, openid: str, address: str, code: str) -> None:
        """The same code once more: the shop takes it, we must not."""
        town.box.post("/shop/deal", {"openid": openid, "step": "cart", "sku": "RS-101", "quantity": 1})
        number = town.box.post("/shop/deal", {"openid": openid, "step": "place", "email": address, "coupon": code})[
            "order"
        ]["number"]
        town.box.post("/shop/deal", {"number": number, "step": "pay"})

    def _coupon(self, town: Town, address: str) -> str:
        for number in town.mails.get(address, []):
            text = mail_text(town.box.raw_mail(number))
            if "元券" in text and (found := _CODE.search(text)):
                return found[0]
        return ""


class Deal(Walk):
    """Behind the counter: parcels, invoices, refunds of a part or all."""

    after = 4

    def go(self, town: Town, cohort: Cohort) -> None:
        town.each(lambda number: self._deal(town, number), cohort.orders)

    def _deal(self, town: Town, number: str) -> None:
        pick = int(number[-3:], 16)
        steps = ["ship", "deliver", "invoice"][: 1 + pick % 3]
        for step in steps:
            town.box.post("/shop/deal", {"number": number, "step": step})
        if pick % 5 == 0:
            town.box.post("/shop/deal", {"number": number, "step": "refund", "amount": "20"})
        if pick % 10 == 0:
            town.box.post("/shop/deal", {"number": number, "step": "refund"})


class Weibo(Walk):
    """Complaints, praise and questions under our post, and private messages; some have bound their account in the shop."""

    after = 2
    COMPLAINTS = ("鞋底才一周就脱胶了，质量太差，要求退款", "客服一直不回，太失望了，我要投诉", "鞋子开胶了，怎么赔？")
    OTHERS = ("周末约跑还有名额吗？", "这双鞋真不错，谢谢小野！", "好看")

    def go(self, town: Town, cohort: Cohort) -> None:
        among = town.share(cohort.openids, 0.25)
        town.each(lambda one: self._bind(town, one), among[::4])
        for place, one in enumerate(among):
            texts = self.COMPLAINTS if place % 2 else self.OTHERS
            self._comment(town, one, f"{texts[place % 3]} #{one[-8:]}", stranger=place % 5 == 0)
        town.each(lambda one: town.box.act(one, "weibo_message", wait=0, text=f"在吗，第{one[-9:]}条"), among[::2])

    def _bind(self, town: Town, openid: str) -> None:
        for _try in range(3):
            try:
                town.box.act(openid, "weibo_bind", wait=0)
                return
            except AssertionError:
                continue

    def _comment(self, town: Town, openid: str, text: str, stranger: bool) -> None:
        town.each(lambda one: town.box.act(one, "weibo_comment", wait=0, text=text, stranger=stranger), [openid])


class Again(Walk):
    """A second word later: opens the window again, and reopens what was solved."""

    after = 3

    def go(self, town: Town, cohort: Cohort) -> None:
        again = town.share(cohort.openids, 0.15)
        town.each(lambda one: town.box.act(one, "text", wait=0, text=f"请问什么时候发货 第{one[-9:]}句 c"), again)


WALKS: list[Walk] = [Answer(), Form(), Click(), Browse(), Buy(), Weibo(), Deal(), Again()]
LAST = max(walk.after for walk in WALKS)


def mail_text(raw: bytes) -> str:
    parts = email.message_from_bytes(raw, policy=email.policy.default).walk()
    return "\n".join(part.get_content() for part in parts if part.get_content_type() == "text/plain")


def rounds(town: Town, customers: int, cohorts: int) -> Iterator[list[tuple[Walk, Cohort]]]:
    """What happens in each round, cohort by cohort, until the last has done everything or the time is over."""
    came: list[Cohort] = []
    for number in range(cohorts + LAST):
        if number < cohorts and not town.over:
            count = customers // cohorts + (number < customers % cohorts)
            fresh = town.box.post("/bulk/follow", {"count": count, "seed": f"chaos {town.seed} {number}"})["openids"]
            came.append(Cohort(number, fresh))
        yield [(walk, cohort) for cohort in came for walk in WALKS if cohort.number + walk.after == number]
