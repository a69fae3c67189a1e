// Room: how the report's page looks: calm, for bright and dark rooms, for narrow windows and for paper. Embedded as it stands.

/** Colours have 4.5:1 and more on their ground (WCAG 2.2, 1.4.3); what they say is said by words and signs as well. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #fbfaf8; --panel: #ffffff; --ink: #1e2328; --quiet: #5d6670; --rule: #e3e0da; --link: #1d5a96;
  --lit: #fff3cf; --picked: #ffe7a3; --picked-edge: #b98900;
  --good: #1c6e46; --about: #855600; --grey: #5d6670; --bad: #b0261c; --odd: #7a3a93;
  --exchange: #1d5a96; --exchange-ground: #eef4fb;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
  --sans: system-ui, -apple-system, "Segoe UI", "Noto Sans", Roboto, sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #16191c; --panel: #1d2125; --ink: #e4e6e8; --quiet: #9ea7b0; --rule: #333a41; --link: #86b8ea;
    --lit: #2c281c; --picked: #3d3618; --picked-edge: #d8ab2e;
    --good: #6fc596; --about: #e0b054; --grey: #9ea7b0; --bad: #ff8a7d; --odd: #d0a0e6;
    --exchange: #86b8ea; --exchange-ground: #1c2a38;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 var(--sans); }
a { color: var(--link); text-underline-offset: 2px; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }
header, main, footer { max-width: 1560px; margin: 0 auto; padding: 0 1.75rem; }
header { padding-top: 2.25rem; }
h1 { font-size: 1.65rem; font-weight: 600; letter-spacing: -0.01em; margin: 0 0 .35rem; }
h2 { font-size: 1.15rem; font-weight: 600; margin: 2.75rem 0 .8rem; }
h3 { font: 600 .95rem/1.4 var(--mono); margin: 0; padding: .7rem 1rem; border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
.overview { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1.2rem; margin: 1rem 0; } .overview dt { font-weight: 600; } .overview dd { grid-column: 2; margin: 0; overflow-wrap: anywhere; }
.lead { font-size: 1.05rem; max-width: 60rem; margin: 0; }
.lead { border-left: 4px solid var(--good); padding-left: .9rem; } .lead.partial { border-color: var(--about); } .lead.failed { border-color: var(--bad); }
.needs { margin: .5rem 0 0; padding-left: .9rem; border-left: 4px solid var(--bad); max-width: 60rem; } .needs b { color: var(--bad); }
.counts { list-style: none; display: flex; flex-wrap: wrap; gap: .5rem; margin: 1.25rem 0 0; padding: 0; }
.counts li { background: var(--panel); border: 1px solid var(--rule); border-radius: 999px; padding: .2rem .85rem; }
.counts b { font-weight: 600; }
nav { margin-top: 1rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.4rem; margin: 0; padding: 0; }
.skip { position: absolute; left: -100vw; } .skip:focus { left: 1rem; top: .5rem; background: var(--panel); padding: .3rem .6rem; }
.panel, .file { background: var(--panel); border: 1px solid var(--rule); border-radius: 10px; }
.panel { padding: 1rem 1.25rem; } .panel > :first-child { margin-top: 0; } .panel > :last-child { margin-bottom: 0; }
.file { margin: 0 0 1.25rem; overflow: clip; }
.tree, .tree ul { list-style: none; margin: 0; padding-left: 1.1rem; } .tree { padding-left: 0; }
.tree ul { border-left: 1px solid var(--rule); } .tree li { padding: .1rem 0; overflow-wrap: anywhere; }
.tree .name, .tree code { font: 13px/1.55 var(--mono); } .tree .held, .branch { color: var(--quiet); font-size: .9rem; } .branch.failed > .held { color: var(--bad); }
.via { margin: 0; padding: .3rem 1rem; color: var(--quiet); font-size: .87rem; border-bottom: 1px solid var(--rule); }
figure { margin: 0; } figure > div { overflow-x: auto; } .scroll { max-height: 36rem; overflow-y: auto; }
figcaption { color: var(--quiet); font-size: .87rem; margin-top: .8rem; }

svg { display: block; min-width: 820px; max-width: 1240px; width: 100%; height: auto; margin: 0 auto; font: 12px var(--mono); }
.edge { fill: none; stroke: var(--rule); stroke-width: 1.5; } .edge.exchange { stroke: var(--exchange); opacity: .65; }
.box { text-decoration: none; }
.box rect { fill: var(--panel); stroke: var(--rule); stroke-width: 1.25; }
.box text { fill: var(--quiet); } .box .first { fill: var(--ink); font-weight: 600; }
.box.route .more { fill: var(--ink); }
.box.exchange rect { fill: var(--exchange-ground); stroke: var(--exchange); }
.box:hover rect, .box:focus-visible rect, .box.lit rect { fill: var(--lit); } .box.picked rect { fill: var(--picked); stroke: var(--picked-edge); }

.beside { display: grid; grid-template-columns: minmax(0, 1.45fr) minmax(0, 1fr); gap: 1.5rem; align-items: start; }
.beside > * { min-width: 0; }
.rules { position: sticky; top: 1rem; max-height: calc(100vh - 2rem); overflow: auto; overscroll-behavior: contain; }
.rules h3 { position: sticky; top: 0; background: var(--panel); z-index: 1; }
.filter { display: inline-flex; gap: .5rem; align-items: center; margin: 0 0 .9rem; color: var(--quiet); font-size: .92rem; }
body:has(#needed:checked) :is(.directive.irrelevant, .plain) { display: none; }

.directive, .plain { border-left: 4px solid transparent; }
.directive { border-bottom: 1px solid var(--rule); padding: .35rem 0 .5rem; cursor: default; }
.directive:last-child { border-bottom: 0; }
.directive.translated { border-left-color: var(--good); } .directive.approximated { border-left-color: var(--about); }
.directive.irrelevant { border-left-color: var(--rule); }
.directive.untranslated, .directive.malformed { border-left-color: var(--bad); } .directive.unknown { border-left-color: var(--odd); }
.plain { color: var(--quiet); border-bottom: 1px solid var(--rule); padding: .25rem 0; }
.plain:last-child { border-bottom: 0; }
.source { font: 13px/1.55 var(--mono); }
.source > div { display: flex; }
.number { flex: 0 0 3.4rem; padding-right: .9rem; text-align: right; color: var(--quiet); user-select: none; text-decoration: none; }
a.number:hover { text-decoration: underline; }
.source code { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; flex: 1; padding-right: 1rem; }
.irrelevant > .source { color: var(--quiet); }
.notes { padding: .1rem 1rem 0 3.4rem; font-size: .9rem; }
.notes p, .through p { margin: .12rem 0; overflow-wrap: anywhere; }
.sign { font-weight: 600; margin-right: .3rem; }
.sign.translated { color: var(--good); } .sign.approximated { color: var(--about); } .sign.irrelevant { color: var(--grey); }
.sign.untranslated, .sign.malformed { color: var(--bad); } .sign.unknown { color: var(--odd); }
.warning > .severity { color: var(--about); } .error > .severity { color: var(--bad); } .closed > .severity { color: var(--good); }
.hint { color: var(--quiet); } .code { color: var(--quiet); font: .78em var(--mono); }
.made { color: var(--quiet); }

.rule, .between { padding: .15rem 0; border-left: 4px solid transparent; }
.rules pre { margin: 0; padding: 0 1rem; font: 12.5px/1.55 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; }
.from { margin: .25rem 1rem 0; font-size: .82rem; color: var(--quiet); } .from .name { font-weight: 600; }
.lit { background: var(--lit); } .rule.lit, .rule.picked { border-left-color: var(--picked-edge); }
.picked, .directive:target, .rule:target { background: var(--picked); }
.box.lit, .box.picked { background: none; }

.differs { margin: 0; padding-left: 1.1rem; } .differs li { margin: .35rem 0; }
.through { list-style: none; margin: 0; padding: 0; }
.through li { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: 0 1rem; margin: .45rem 0; }
.through li > span { font: 13px/1.7 var(--mono); overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .8rem 0; font-size: .92rem; }
th, td { text-align: left; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; overflow-wrap: anywhere; }
caption { text-align: left; color: var(--quiet); padding-bottom: .2rem; }
th { color: var(--quiet); font-weight: 600; } td code { font: 12.5px var(--mono); }
footer { color: var(--quiet); font-size: .87rem; padding-top: 2.5rem; padding-bottom: 2.5rem; }

@media (max-width: 900px) {
  .beside { display: block; } .rules { position: static; max-height: none; margin-top: 1.25rem; }
  header, main, footer { padding-left: 1rem; padding-right: 1rem; } .notes { padding-left: 1rem; }
  .number { flex-basis: 2.4rem; padding-right: .6rem; } .through li { display: block; }
}
@media print {
  :root { --ground: #fff; --panel: #fff; --ink: #000; --quiet: #444; --rule: #bbb; --link: #000; --good: #000; --about: #000; --bad: #000; --odd: #000; --lit: #fff; --picked: #fff; }
  body { font-size: 10pt; } nav, .filter, .skip { display: none; }
  header, main, footer { max-width: none; padding-left: 0; padding-right: 0; }
  .beside { display: block; } .rules { position: static; max-height: none; overflow: visible; break-before: page; }
  .rules h3 { position: static; } .directive, .rule, figure { break-inside: avoid; } svg { min-width: 0; } .scroll { max-height: none; }
  .panel, .file { border-radius: 0; } h2 { break-after: avoid; }
}
@media (prefers-reduced-motion: no-preference) { .directive, .rule, .box rect { transition: background-color .12s, fill .12s; } }
`;
