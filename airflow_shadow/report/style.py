"""How the report looks: on a screen, in the dark, on a phone and on paper."""

from __future__ import annotations

LIGHT = """
color-scheme: light;
--paper: #fff; --ink: #1b1f24; --soft: #57606a; --rule: #d0d7de; --shade: #f3f5f7;
--pass: #116329; --fail: #b3151d; --inconclusive: #6a5300; --good: #0f5f6b; --allowed: #d9ecdf;
--production: #0a58a8; --shadow: #b04a00;
"""
DARK = """
color-scheme: dark;
--paper: #14171b; --ink: #e8ebee; --soft: #a3adb8; --rule: #3a424c; --shade: #1e2329;
--pass: #5fd07f; --fail: #ff8a85; --inconclusive: #e3bf55; --good: #63cbd9; --allowed: #1f3a2a;
--production: #6db3ff; --shadow: #ffa257;
"""
PAGE = """
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 68rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-top: 1px solid var(--rule);
  padding-top: 1rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p { margin: .4rem 0; max-width: 60rem; }
.soft, .small { color: var(--soft); }
.verdict { border-left: .4rem solid; padding: .25rem 0 .25rem .9rem; margin: 0 0 1rem; }
.verdict strong { font-size: 1.5rem; letter-spacing: .02em; }
.verdict p + p { color: var(--ink); }
.caveat { color: var(--ink); }
.pass { color: var(--pass); } .fail { color: var(--fail); }
.inconclusive { color: var(--inconclusive); } .good { color: var(--good); }
.charts { display: grid; gap: 1rem 2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
figure { margin: 0; max-width: 40rem; }
.legend { list-style: none; padding: 0; margin: .5rem 0 1rem; display: flex; flex-wrap: wrap;
  gap: .25rem 1.25rem; color: var(--soft); font-size: .9rem; }
.legend svg { width: 2.2rem; height: .8rem; vertical-align: middle; margin-right: .4rem; }
dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .2rem 1rem; }
dt { color: var(--soft); grid-column: 1; } dd { margin: 0; grid-column: 2; color: var(--ink); }
pre { background: var(--shade); padding: .75rem; white-space: pre-wrap; font-size: .8rem;
  columns: 20rem; }
"""
TABLES = """
table { border-collapse: collapse; width: 100%; font-size: .9rem; margin: .75rem 0; }
caption { text-align: left; color: var(--soft); padding-bottom: .35rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0;
  border-bottom: 1px solid var(--rule); font-variant-numeric: tabular-nums; }
td { overflow-wrap: break-word; } td:last-child { overflow-wrap: anywhere; }
thead th { font-weight: 600; color: var(--soft); overflow-wrap: normal; }
td.pass, td.fail, td.inconclusive, td.good { font-weight: 600; white-space: nowrap; }
"""
PICTURES = """
svg { display: block; width: 100%; height: auto; overflow: visible; }
.legend svg { display: inline-block; }
.forest { max-width: 36rem; }
text { font-size: 12.5px; fill: var(--ink); }
text.small { font-size: 11px; fill: var(--soft); }
text.name { font-weight: 600; }
text.end { text-anchor: end; } text.mid { text-anchor: middle; }
text.pass, text.fail, text.inconclusive { fill: currentColor; font-weight: 600; }
text.halo { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
.allowed { fill: var(--allowed); }
.interval { stroke: currentColor; stroke-width: 2.5; fill: none; }
.unknown { stroke: currentColor; stroke-width: 2; stroke-dasharray: 1.5 4; fill: none; }
.arrow, .mark { fill: currentColor; }
.mark.inconclusive { fill: var(--paper); stroke: currentColor; stroke-width: 2.5; }
.zero, .grid, .limit, .stage { fill: none; stroke: var(--rule); }
.zero { stroke: var(--soft); } .limit { stroke: var(--soft); stroke-dasharray: 3 3; }
.stage { stroke: var(--soft); }
.look { fill: var(--soft); } .between { stroke: var(--soft); fill: none; }
.change { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 1.5 3; fill: none; }
.alarm { stroke: var(--fail); stroke-width: 2; stroke-dasharray: 6 3 1 3; }
.line { fill: none; stroke-width: 1.7; stroke-linecap: round; stroke-linejoin: round; }
.line.production { stroke: var(--production); }
.line.shadow { stroke: var(--shadow); stroke-dasharray: 5 3; }
.band { opacity: .16; }
.band.production { fill: var(--production); } .band.shadow { fill: var(--shadow); }
"""
#: On a phone, and where nine columns are too many, each row of a table becomes a block, each cell a
#: line with its column's name.
PHONE = """
body { padding: .8rem; }
thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
table, caption, tbody, tr, th, td { display: block; }
tbody tr { border-bottom: 1px solid var(--rule); padding: .5rem 0; }
tbody th, td { border: 0; padding: .1rem 0; }
td { display: grid; grid-template-columns: 8rem 1fr; gap: .5rem; }
td::before { content: attr(data-label); color: var(--soft); font-weight: 400; }
td:empty { display: none; }
dl { grid-template-columns: 1fr; } dd { grid-column: 1; margin-bottom: .4rem; }
"""
PAPER = """
body { max-width: none; padding: 0; font-size: 10pt; }
figure, tr, .verdict { break-inside: avoid; }
h2, h3, caption { break-after: avoid; }
.charts { grid-template-columns: 1fr 1fr; }
figure { max-width: 24rem; }
table { font-size: 8pt; } pre { font-size: 7pt; columns: 2; }
th, td { padding-right: .4rem; }
* { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
"""
STYLE = (
    f":root {{{LIGHT}}}"
    f"@media screen and (prefers-color-scheme: dark) {{ :root {{{DARK}}} }}"
    f"{PAGE}{TABLES}{PICTURES}"
    f"@media screen and (max-width: 56rem) {{{PHONE}}}"
    f"@media print {{{PAPER}}}"
)
