"""The page at /docs: what is served here, for a person."""

from collections.abc import Sequence
from html import escape

from tabard.http.surface import Dialect

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #b5452c; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 5rem; }
h1 { font-size: 1.9rem; margin: 0; letter-spacing: -.02em } h1 + p { margin-top: .4rem; opacity: .8 }
h2 { margin: 2.4rem 0 .6rem; font-size: 1.2rem } h2 a { font-size: .85rem; font-weight: 400; margin-left: .6rem }
a { color: var(--accent) }
table { border-collapse: collapse; width: 100% }
td { padding: .42rem .7rem .42rem 0; border-top: 1px solid var(--line); vertical-align: top }
td:first-child { width: 4.6rem } td:nth-child(3) { opacity: .85 }
code { font: 13.5px ui-monospace, monospace; overflow-wrap: anywhere }
.method { font: 600 12px ui-monospace, monospace; padding: .15rem .4rem; border-radius: .3rem; background: var(--soft) }
@media (max-width: 40rem) { td:nth-child(3) { display: none } }
"""


def docs_page(dialects: Sequence[Dialect]) -> str:
    sections = "".join(_section(dialect) for dialect in dialects)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Tabard</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Tabard</h1>
<p>The whole life of a messaging sender, behind the APIs you know.</p>
{sections}
<h2>For operators</h2>
<table>
{_row("GET", "/healthz", "The process is up")}
{_row("GET", "/readyz", "The database answers and is migrated")}
{_row("GET", "/metrics", "Prometheus metrics")}
</table>
<h2>Emulated networks</h2>
<table>
{_row("ANY", "/networks/meta/v25.0/…", "Meta's Graph API for WhatsApp, for any client of it")}
</table>
</body>
</html>
"""


def _section(dialect: Dialect) -> str:
    rows = "\n".join(_row(o.method, o.path, o.summary) for o in dialect.operations)
    link = f'<a href="/openapi/{escape(dialect.name)}.json">OpenAPI document</a>'
    return f"<h2>{escape(dialect.title)} {link}</h2>\n<table>\n{rows}\n</table>\n"


def _row(method: str, path: str, summary: str) -> str:
    return (
        f'<tr><td><span class="method">{escape(method)}</span></td>'
        f"<td><code>{escape(path)}</code></td><td>{escape(summary)}</td></tr>"
    )
