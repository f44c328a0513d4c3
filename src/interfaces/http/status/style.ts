// What the page needs beside the style that all pages have.
export const STYLE = `
.badge{display:inline-block;font-size:.78rem;font-weight:600;border:1px solid currentColor;border-radius:999px;padding:0 9px;vertical-align:2px}
.badge.good{color:var(--good)}.badge.bad{color:var(--bad)}.badge.watch{color:var(--soft)}
h2.first,h3{margin:0 0 6px}
.agents{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(420px,100%),1fr));gap:16px}
.agent{padding:18px;min-width:0}.trouble{color:var(--bad)}.trouble code{white-space:normal}.wide{overflow-x:auto}.agent table{font-size:.9rem}
tr.active td{font-weight:600}
.plot{width:100%;height:auto;margin:8px 0;font-size:12px}
.plot text{fill:var(--soft)}.plot .grid{stroke:var(--line)}
.plot polyline{fill:none;stroke-width:2}.plot .best{stroke:var(--accent)}.plot .baseline{stroke:var(--soft);stroke-dasharray:5 4}
.plot .test{stroke:var(--ink);stroke-dasharray:2 3}
.legend{font-size:.85rem;color:var(--soft);display:flex;flex-wrap:wrap;gap:4px 18px}
.key{display:inline-block;width:18px;height:0;border-top:2px solid var(--accent);margin-right:6px;vertical-align:4px}.key.baseline{border-top:2px dashed var(--soft)}
dl{display:flex;flex-wrap:wrap;gap:10px 28px;margin:12px 0}dl div{min-width:80px}dt{font-size:.8rem;color:var(--soft)}dd{margin:0;font-size:1.15rem;font-variant-numeric:tabular-nums}
.stages{display:flex;flex-wrap:wrap;gap:6px 18px;list-style:none;margin:0;padding:0;font-size:.9rem}
.stages li::before{content:"✓ ";color:var(--good)}.stages li.running::before{content:"… ";color:var(--soft)}
@media (max-width:520px){.card{padding:16px}.plot{font-size:26px}}
`;
