"""What operators do: release, discard, set aside, resend, hold, resume; audited, refused where it makes no sense."""

from __future__ import annotations

from typing import Any

import pytest

from lgsp.canonical.status import Status
from lgsp.clock import FixedClock, micros
from lgsp.ledger.ledger import Ledger
from lgsp.ledger.types import Claimed, ClaimRequest, Settlement, State
from lgsp.ledger.work import Work
from lgsp.store.engine import Store
from tests.support.ledgers import ledger, message, reported, step

pytestmark = pytest.mark.anyio
A, B = "H21.14-261008-0001", "H21.14-261008-0002"


class Desk:
    """An operator beside a worker."""

    def __init__(self, store: Store) -> None:
        self.clock = FixedClock()
        self.book: Ledger = ledger(store, self.clock)
        self.work = Work(store, lambda: micros(self.clock.now()), "lan")

    async def claim(self, limit: int = 10) -> list[Claimed]:
        return list((await self.book.claim(ClaimRequest("npsp", limit))).claimed)

    async def settle(self, claimed: Claimed, state: State = State.DONE, **fields: Any) -> None:
        assert await self.book.settle(Settlement(claimed.id, claimed.system, claimed.operation, state, **fields))

    async def parked(self, code: str = A, number: int = 1, **fields: Any) -> Claimed:
        await self.book.accept(message(reported(code, number)))
        [claimed] = await self.claim()
        await self.settle(claimed, State.PARKED, **({"cause": "code:procedures:9", "reason": "add the row"} | fields))
        return claimed

    async def audited(self) -> list[tuple[str, str, str, str]]:
        return [row[1:] for row in await self.work.audited()]


async def test_parked_work_is_listed_by_cause_with_its_reason(store: Store) -> None:
    desk = Desk(store)
    one, two = await desk.parked(A), await desk.parked(B)
    assert [(i.id, i.dossier, i.reason) for i in await desk.work.parked()] == [
        (one.id, A, "add the row"), (two.id, B, "add the row"),
    ]  # fmt: skip
    assert await desk.work.causes() == [("npsp", "code:procedures:9", "add the row", 2)]
    assert await desk.work.parked(cause="another") == []
    assert await desk.work.parked(system="onestop") == []


async def test_released_it_goes_again_at_once_with_fresh_attempts(store: Store) -> None:
    desk = Desk(store)
    claimed = await desk.parked(counted=True, ended="unreadable", alike=12)
    assert (await desk.work.release([claimed.id], "row added")).changed == (claimed.id,)
    [again] = await desk.claim()
    assert (again.id, again.attempts, again.key, again.doubtful) == (claimed.id, 0, claimed.key, False)
    assert (again.ended, again.alike) == ("", 0)
    assert ("lan", "release", str(claimed.id), "row added") in await desk.audited()


async def test_all_of_one_cause_are_released_together(store: Store) -> None:
    desk = Desk(store)
    one, two = await desk.parked(A), await desk.parked(B)
    three = await desk.parked("H21.14-261008-0003", cause="rejected:npsp:sync_dossier:-1")
    done = await desk.work.release_cause("code:procedures:9", "row added")
    assert set(done.changed) == {one.id, two.id}
    assert [i.id for i in await desk.work.parked()] == [three.id]


async def test_a_doubt_ends_when_the_operator_has_looked_and_not_before(store: Store) -> None:
    desk = Desk(store)
    asked = await desk.parked(A, cause="unknown:npsp:sync_dossier", doubtful=True)
    other = await desk.parked(B, cause="attempts", doubtful=True)
    await desk.work.release([asked.id, other.id], "looked at the portal")
    assert {c.id: c.doubtful for c in await desk.claim()} == {asked.id: False, other.id: True}


async def test_discarded_it_is_over_and_its_lane_goes_on(store: Store) -> None:
    desk = Desk(store)
    claimed = await desk.parked()
    await desk.book.accept(message(step(A, 5)))
    assert await desk.claim() == [], "a parked dossier blocks itself"
    assert (await desk.work.discard([claimed.id], "entered by hand")).changed == (claimed.id,)
    [next_one] = await desk.claim()
    assert next_one.operation == "update_progress"
    item = await desk.work.delivery(claimed.id)
    assert item is not None
    assert (item.state, item.reason) == ("discarded", "entered by hand")


async def test_set_aside_it_waits_for_release(store: Store) -> None:
    desk = Desk(store)
    await desk.book.accept(message(reported(A, 1)))
    [item] = await desk.work.parked(states=[State.READY])
    assert (await desk.work.set_aside([item.id], "wait for the agency")).changed == (item.id,)
    assert await desk.claim() == []
    await desk.work.release([item.id], "they called")
    assert [c.id for c in await desk.claim()] == [item.id]


async def test_what_is_under_way_or_over_is_refused_with_the_reason(store: Store) -> None:
    desk = Desk(store)
    await desk.book.accept(message(reported(A, 1)))
    [claimed] = await desk.claim()
    for action in (desk.work.release, desk.work.discard, desk.work.set_aside):
        assert (await action([claimed.id], "x")).refused == ((claimed.id, "is leased"),)
    await desk.settle(claimed)
    for action in (desk.work.release, desk.work.discard, desk.work.set_aside):
        assert (await action([claimed.id], "x")).refused == ((claimed.id, "is done"),)
    assert (await desk.work.release([999], "x")).refused == ((999, "is not known"),)
    assert await desk.audited() == [], "what was not done is not audited as done"


async def test_resent_it_is_a_new_delivery_linked_to_the_old(store: Store) -> None:
    desk = Desk(store)
    await desk.book.accept(message(reported(A, 1)))
    await desk.book.accept(message(step(A, 2)))
    [first] = await desk.claim()
    await desk.settle(first)
    [second] = await desk.claim()
    await desk.settle(second)
    done = await desk.work.resend([second.id], "the portal lost it")
    assert done.changed == (second.id,)
    [again] = await desk.claim()
    assert again.id != second.id
    assert again.key != second.key, "a new delivery has a key of its own"
    item = await desk.work.delivery(again.id)
    assert item is not None
    assert item.resend_of == second.id
    assert (await desk.work.resend([again.id], "x")).refused[0][0] == again.id, "an open one is not sent twice"


async def test_a_full_state_is_resent_as_it_is_now_and_only_once(store: Store) -> None:
    desk = Desk(store)
    ids = []
    for number, status in ((1, Status.RECEIVED), (2, Status.PROCESSING)):
        await desk.book.accept(message(reported(A, number, status)))
        [claimed] = await desk.claim()
        await desk.settle(claimed)
        ids.append(claimed.id)
    done = await desk.work.resend([ids[0], ids[1]], "again")
    assert done.changed == (ids[0],)
    assert done.refused == ((ids[1], "a full state of this dossier is on its way already"),)
    [again] = await desk.claim()
    assert b'"processing"' in again.payload, "an older state must not overwrite a newer one"


async def test_a_held_system_is_not_called_and_resumed_it_is_with_its_circuit_closed(store: Store) -> None:
    desk = Desk(store)
    await desk.book.accept(message(reported(A, 1)))
    await desk.work.hold("npsp", "maintenance")
    assert (await desk.book.claim(ClaimRequest("npsp", 10))).blocked == "held"
    [standing] = [s for s in await desk.work.standing("2026-10-08") if s.system == "npsp"]
    assert (standing.held, standing.held_by, standing.held_reason, standing.counts) == (
        True, "lan", "maintenance", {"ready": 1},
    )  # fmt: skip
    await desk.work.resume("npsp", "over")
    assert len(await desk.claim()) == 1
    assert [row[1] for row in await desk.audited()] == ["resume_system", "hold_system"]


async def test_a_story_is_found_by_any_code_and_has_all_of_it(store: Store) -> None:
    desk = Desk(store)
    await desk.book.accept(message(reported(A, 1)))
    await desk.book.accept(message(step(A, 2)))
    story = await desk.work.story(A)
    assert story is not None
    assert [row[1] for row in story.events] == ["dossier.reported", "dossier.changed", "step.taken"]
    assert [d.operation for d in story.deliveries] == ["sync_dossier", "update_progress"]
    assert await desk.work.story("H99-unknown") is None


async def test_a_revoked_file_stays_revoked(store: Store) -> None:
    desk = Desk(store)
    await desk.work.revoke_file("f1", "wrong citizen")
    await desk.work.revoke_file("f1", "again")
    assert await desk.work.revoked_files() == frozenset({"f1"})
