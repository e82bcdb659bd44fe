"""``/``: a plain page that lists what this server answers."""

from __future__ import annotations

from html import escape

from aiohttp import web

from liontrack_stream.views.call import Call
from liontrack_stream.views.routes import Access, Route
from liontrack_stream.views.site import Site

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>LionTrack Stream</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
td, th {{ text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #ddd; }}
code {{ overflow-wrap: anywhere; }}
</style>
</head>
<body>
<h1>LionTrack Stream</h1>
<p>{notice}</p>
<table>
<thead><tr><th>GET</th><th>answers</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

Summaries = list[tuple[str, str]]
SUMMARIES: web.AppKey[Summaries] = web.AppKey("summaries", list)


async def index(call: Call) -> web.Response:
    """This page."""
    rows = "\n".join(_row(path, summary) for path, summary in call.request.app[SUMMARIES])
    page = _PAGE.format(notice=escape(_notice(call.site, call.site.is_open_demo(call.request))), rows=rows)
    return web.Response(text=page, content_type="text/html", headers=_HEADERS)


def _row(path: str, summary: str) -> str:
    shown = f"<code>{escape(path)}</code>"
    link = shown if "{" in path else f'<a href="{escape(path)}">{shown}</a>'
    return f"<tr><td>{link}</td><td>{escape(summary)}</td></tr>"


def _notice(site: Site, open_demo: bool) -> str:
    if open_demo:
        return "Demo on this machine only: exact, current lion positions are open without a token."
    return (
        f"Without a token of role ranger or admin, lion positions are generalised to a grid of "
        f"{site.settings.position_grid_deg:g}° and delayed by {site.settings.position_delay_h:g} hours."
    )


ROUTES = (Route("/", index, Access.OPEN, media_types=("text/html",), tag="operation"),)
