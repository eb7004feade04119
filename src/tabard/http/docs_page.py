"""The pages under /docs: what is served here, for a person, made from the dialects' tables."""

from collections.abc import Sequence
from html import escape
from itertools import pairwise

from tabard.http.openapi import coverage_page
from tabard.http.surface import Dialect

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: light-dark(#a33a22, #f0917c) }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 80rem; margin: 0 auto; padding: 2.5rem 1.25rem 5rem }
p, li { max-width: 60rem }
h1 { font-size: 1.9rem; margin: 0; letter-spacing: -.02em } h1 + p { margin-top: .4rem; opacity: .8 }
h2 { margin: 2.4rem 0 .6rem; font-size: 1.2rem } h2 a { font-size: .85rem; font-weight: 400; margin-left: .6rem }
h3 { margin: 1.8rem 0 .4rem; font-size: 1.02rem }
a { color: var(--accent) }
table { border-collapse: collapse; width: 100% }
th { text-align: left; font-size: .85rem; padding: .42rem .9rem .3rem 0; opacity: .75 }
td { padding: .42rem .9rem .42rem 0; border-top: 1px solid var(--line); vertical-align: top }
code { font: 13.5px ui-monospace, monospace; overflow-wrap: anywhere }
.operations { table-layout: fixed }
.operations td:nth-child(1) { width: 4.2rem } .operations td:nth-child(2) { width: 27rem }
.method { font: 600 12px ui-monospace, monospace; padding: .15rem .4rem; border-radius: .3rem; background: var(--soft) }
.wide { overflow-x: auto } .wide td:nth-child(-n+2) code { white-space: nowrap }
@media (max-width: 44rem) { .operations td:nth-child(2) { width: auto } .operations td:nth-child(3) { display: none } }
"""


def docs_page(dialects: Sequence[Dialect]) -> str:
    """The front page: every operation, and where to read more."""
    sections = "".join(_section(dialect) for dialect in dialects)
    return _page(
        "Tabard",
        f"""<h1>Tabard</h1>
<p>The whole life of a messaging sender, behind the APIs you know.</p>
{sections}
<h2>For operators</h2>
<table class="operations">
{_row("GET", "/healthz", "The process is up")}
{_row("GET", "/readyz", "The database answers and is migrated")}
{_row("GET", "/metrics", "Prometheus metrics")}
</table>
<h2>Emulated networks</h2>
<table class="operations">
{_row("ANY", "/networks/meta/v25.0/…", "Meta's Graph API for WhatsApp, for any client of it")}
{_row("ANY", "/networks/google/…", "Google's RCS for Business, for any client of it")}
</table>
""",
    )


def dialect_page(dialect: Dialect) -> str:
    """One dialect's operations, fields and errors."""
    # Loaded when somebody reads, not with every start.
    from markdown_it import MarkdownIt  # noqa: PLC0415

    markdown = MarkdownIt("commonmark").enable("table")
    tokens = markdown.parse(coverage_page(dialect))
    for opening, title in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", title.content.lower())
    text = str(markdown.renderer.render(tokens, markdown.options, {}))
    text = text.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
    return _page(f"{dialect.title} - Tabard", f'<p><a href="/docs">Tabard</a></p>\n{text}')


def _page(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _section(dialect: Dialect) -> str:
    rows = "\n".join(_row(o.method, o.path, o.summary) for o in dialect.operations)
    name = escape(dialect.name)
    links = f'<a href="/docs/{name}">Fields and errors</a><a href="/openapi/{name}.json">OpenAPI document</a>'
    return f'<h2>{escape(dialect.title)} {links}</h2>\n<table class="operations">\n{rows}\n</table>\n'


def _row(method: str, path: str, summary: str) -> str:
    return (
        f'<tr><td><span class="method">{escape(method)}</span></td>'
        f"<td><code>{_breakable(path)}</code></td><td>{escape(summary)}</td></tr>"
    )


def _breakable(path: str) -> str:
    """A long path breaks between its parts, not within one."""
    return escape(path).replace("/", "/<wbr>")
