"""Users and their challenges: what the API says, number by number."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.dashboard.browsing import Guard, limit_pages, take_picture
from tests.dashboard.conftest import Visit
from tests.dashboard.live_site import API, USERS, LiveSite
from tests.dashboard.shown import (
    chart_table,
    column,
    decimal,
    figures,
    is_drawn,
    long_day,
    same,
    table,
    whole,
    with_unit,
)
from tests.dashboard.test_offline import controlled, installed

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_users_and_challenges(site: LiveSite, visit: Visit) -> None:
    token = site.token()
    user = site.users[1]
    page = await visit(f"#/users/{user}", token=token)
    await expect(page.get_by_test_id("shown-user")).to_contain_text(user)
    await expect(page.get_by_test_id("challenges-table")).to_be_visible()

    async def numbers() -> tuple[Any, Any]:
        summary = site.get(f"{API}/users/{user}/activity-summary", token)["summary"]
        score = site.get(f"{API}/users/{user}/engagement", token)["current_score"]
        names = ("current-score", "avg-engagement", "total-completed", "total-in-progress", "total-weight-entries")
        return await figures(page, *names, "active-days"), [
            with_unit(score, "of 100"),
            with_unit(summary["avg_engagement"], "of 100"),
            whole(summary["total_completed"]),
            whole(summary["total_in_progress"]),
            whole(summary["total_weight_entries"]),
            f"{whole(summary['active_days'])} of 30 days",
        ]

    await same(numbers)
    body = site.get(f"{API}/users/{user}/challenges-analytics", token)
    assert body["challenges"]
    assert await table(page, "challenges-table") == [
        [
            one["title"],
            one["status"].replace("_", " ").capitalize(),
            whole(one["age_days"]),
            long_day(one["created_at"]),
            long_day(one["updated_at"]),
        ]
        for one in body["challenges"]
    ]
    stats = body["stats"]
    counted = [stats["total"], stats["completed"], stats["in_progress"]]
    assert (await page.get_by_test_id("challenge-stats").locator("b").all_text_contents())[:3] == [*map(whole, counted)]
    history = site.get(f"{API}/users/{user}/engagement", token)["history"]
    assert await is_drawn(page, "chart-engagement")
    assert await chart_table(page, "chart-engagement") == [
        [long_day(day["activity_date"]), whole(day["weight_entries"]), decimal(day["engagement_score"])]
        for day in sorted(history, key=lambda day: day["activity_date"])
    ]
    trend = site.get(f"{API}/trends/engagement")["data"]
    assert await chart_table(page, "chart-trend-engagement") == [
        [long_day(day["activity_date"]), whole(day["active_users"]), decimal(day["avg_engagement"])] for day in trend
    ]


async def test_an_admin_chooses_a_user(site: LiveSite, visit: Visit) -> None:
    token = site.token()
    user = site.users[-1]
    page = await visit("#/users", token=token)
    await page.get_by_test_id("user-picker").get_by_label("User").fill(user)
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_test_id("shown-user")).to_contain_text(user)
    await expect(page.get_by_test_id("challenges-table")).to_be_visible()


async def test_challenges_are_shown_to_the_last_page(site: LiveSite, visit: Visit) -> None:
    token = site.token()
    path = "{API}/users/{user}/challenges-analytics"
    users = {user: site.get(path.format(API=API, user=user), token)["challenges"] for user in site.users}
    user = max(users, key=lambda user: len(users[user]))
    assert len(users[user]) > 2
    page = await visit("#/quality", token=token)
    await limit_pages(page, f"users/{user}/challenges-analytics", 2)
    await page.evaluate(f"location.hash = '#/users/{user}'")

    async def titles() -> tuple[Any, Any]:
        return column(await table(page, "challenges-table"), 0), [one["title"] for one in users[user]]

    await expect(page.get_by_test_id("challenges-table")).to_be_visible()
    await same(titles)
    await expect(page.get_by_test_id("missing")).to_have_count(0)


async def test_a_new_admin_is_told_once_and_sees_the_others(site: LiveSite, visit: Visit, guards: list[Guard]) -> None:
    """No event names it: nothing asks for what is not there, not to keep it either; no error is in the console."""
    page = await visit("#/users", token=site.token("new-admin"))
    await expect(page.get_by_test_id("no-user")).to_contain_text("No activity of yours yet")
    await expect(page.get_by_role("alert")).to_have_count(0)
    await take_picture(page, "users-unknown-desktop-light")
    await installed(page)
    assert not [url for url in guards[0].requests if "/users/new-admin" in url]
    board = page.get_by_test_id("leaderboard-users")
    first = site.get(f"{API}/leaderboard/users", site.token())["leaderboard"][0]
    await board.get_by_role("link", name=first["username"]).click()
    await expect(page.get_by_test_id("shown-user")).to_have_text(f"{first['username']} {first['user_id']}")
    await expect(page.get_by_test_id("challenges-table")).to_be_visible()


async def test_a_new_ranger_sees_the_leaderboard(site: LiveSite, visit: Visit) -> None:
    page = await visit("#/users", token=site.token("new-ranger", roles=("ranger",)))
    await expect(page.get_by_test_id("no-user")).to_contain_text("No activity of yours yet")
    await expect(page.get_by_test_id("leaderboard-users").locator("tbody tr")).to_have_count(USERS)
    await expect(page.get_by_test_id("leaderboard-users").get_by_role("link")).to_have_count(0)
    await expect(page.get_by_test_id("user-picker")).to_have_count(0)


async def test_a_user_that_does_not_exist_is_asked_for_once(site: LiveSite, visit: Visit, guards: list[Guard]) -> None:
    page = await visit("#/quality", token=site.token())
    [guard] = guards
    guard.expect(r"404 \(Not Found\)")
    await controlled(page)
    await page.evaluate("location.hash = '#/users/nowhere'")
    await expect(page.get_by_test_id("no-user")).to_contain_text("No such user")
    await expect(page.get_by_test_id("leaderboard-users")).to_be_visible()
    await expect(page.get_by_role("alert")).to_have_count(0)

    seen = len(guard.requests)
    await page.evaluate("dispatchEvent(new Event('online'))")  # what is there is asked for again

    async def asked() -> tuple[Any, Any]:
        return any("/trends/engagement" in url for url in guard.requests[seen:]), True

    await same(asked)
    assert len([found for found in guard.findings if "404" in found]) == 1
