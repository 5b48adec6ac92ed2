import { markup } from './html.js';

/** The page's one style sheet: light, dark and on paper. Nothing in it is fetched. */
export const PAGE_STYLE = markup`
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2128; --soft: #57606a; --line: #d0d7de;
  --good: #1a7f37; --bad: #cf222e; --open: #9a6700; --data: #0969da; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --soft: #9198a1; --line: #3d444d;
  --good: #3fb950; --bad: #ff7b72; --open: #d29922; --data: #58a6ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 72rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
p { margin: .5rem 0; max-width: 60rem; }
.soft, caption, th { color: var(--soft); }
.box { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0 1rem; font-variant-numeric: tabular-nums; }
table.wide { width: 100%; }
caption { text-align: left; padding: 0 0 .25rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; }
th { font-weight: 600; min-width: 8rem; }
th.head { white-space: nowrap; min-width: 0; }
.number { text-align: right; white-space: nowrap; }
.mark { font-weight: 600; white-space: nowrap; }
.passed { color: var(--good); } .failed { color: var(--bad); } .inconclusive, .error { color: var(--open); }
.side { display: flex; flex-wrap: wrap; gap: 0 2.5rem; align-items: flex-start; }
.side > div { max-width: 100%; }
svg { max-width: 100%; height: auto; display: block; margin: .25rem 0 .75rem; }
svg.small { margin: .2rem 0; max-width: none; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
svg .axis { stroke: var(--line); fill: none; }
svg .data { fill: var(--data); } svg .hit { stroke: var(--good); } svg .miss { stroke: var(--bad); }
svg .span { stroke: var(--data); stroke-width: 2; fill: none; }
svg .limit { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 3 2; fill: none; }
svg text.in { fill: var(--ink); text-anchor: middle; }
svg text.end { text-anchor: end; } svg text.middle { text-anchor: middle; }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --line: #bbb;
  --good: #116329; --bad: #a40e26; --open: #7d4e00; --data: #0550ae; }
  body { padding: 0; max-width: none; font-size: 9pt; } h2 { break-after: avoid; } tr, svg { break-inside: avoid; }
  .box { overflow: visible; } * { print-color-adjust: exact; } }
`;
