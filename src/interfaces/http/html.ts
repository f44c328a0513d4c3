// Pages rendered on the server, without scripts. Whatever stands in `${}` of html`` is escaped.
import { createHash } from 'node:crypto';
import { html } from 'hono/html';

/** What html`` makes: text that is escaped already. */
export type Html = Awaited<ReturnType<typeof html>>;

export interface DocumentOptions {
  title: string;
  body: Html | Promise<Html>;
  /** Rules of this page, after those of all pages. */
  style?: string;
  /** Ask again by itself. */
  refreshSeconds?: number;
  /** Shows the way out. */
  signedIn?: boolean;
  /** Links of the heading: address → words. */
  links?: Readonly<Record<string, string>>;
}

/** A whole page with the headers that belong to it. */
export async function htmlPage(options: DocumentOptions, status = 200, extra: Readonly<Record<string, string>> = {}): Promise<Response> {
  const style = STYLE + (options.style ?? '');
  // The rules stand in the page as they are, so that their hash is the one in the policy.
  const refresh = options.refreshSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${Math.trunc(options.refreshSeconds)}">`;
  const body = await html`<body>
    <header>
      <a class="name" href="/">${MARK} Seed Agent</a>
      <nav>
        ${Object.entries(options.links ?? {}).map(([address, words]) => html`<a href="${address}">${words}</a>`)}
        ${options.signedIn === true ? html`<form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>` : ''}
      </nav>
    </header>
    <main>${options.body}</main>
  </body>`;
  const head =
    `<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">` +
    `<meta name="robots" content="noindex"><link rel="icon" href="data:,">${refresh}`;
  const title = await html`<title>${options.title} · Seed Agent</title>`;
  const text = `<!doctype html>\n<html lang="en"><head>${head}${title}<style>${style}</style></head>${body}</html>\n`;
  return new Response(text, { status, headers: { ...pageHeaders(style), ...extra } });
}

/** No scripts, nothing from elsewhere, in nobody's frame; the address (a sign-in link) stays on this site. */
function pageHeaders(style: string): Record<string, string> {
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': [
      "default-src 'none'",
      `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
      "img-src 'self' data:",
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
  };
}

/** A sprout, drawn in the colour of the text beside it. */
const MARK = html`<svg
  viewBox="0 0 24 24"
  width="20"
  height="20"
  aria-hidden="true"
  fill="none"
  stroke="currentColor"
  stroke-width="1.8"
  stroke-linecap="round"
  stroke-linejoin="round"
>
  <path d="M12 21v-9" />
  <path d="M12 12c0-4 3-7 8-7 0 5-3 8-8 7Z" />
  <path d="M12 15c0-3-2.500-5.500-7-5.500 0 4 2.500 6.500 7 5.500Z" />
</svg>`;

const STYLE = `
:root{color-scheme:light dark;--paper:#fbfbf9;--card:#fff;--ink:#1d211c;--soft:#5c655b;--line:#dfe3dc;--accent:#2f6f3e;--on-accent:#fff;--bad:#a5301f;--good:#2f6f3e}
@media (prefers-color-scheme:dark){:root{--paper:#131613;--card:#1b1f1b;--ink:#e8ebe6;--soft:#a0a99e;--line:#2e352e;--accent:#7cc48b;--on-accent:#10210f;--bad:#f0907f;--good:#7cc48b}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
header{display:flex;align-items:center;justify-content:space-between;gap:16px;padding:14px 24px;border-bottom:1px solid var(--line);background:var(--card)}
header .name{display:inline-flex;align-items:center;gap:8px;font-weight:600;color:var(--ink);text-decoration:none}
header .name svg{color:var(--accent)}
nav{display:flex;align-items:center;gap:18px}
nav form{margin:0}
a{color:var(--accent)}
main{max-width:1080px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 8px;letter-spacing:-.01em}
h2{font-size:1.1rem;margin:32px 0 8px}
p{margin:0 0 14px}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--paper);border:1px solid var(--line);border-radius:5px;padding:1px 5px;white-space:nowrap}
.soft{color:var(--soft)}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:24px}
button{font:inherit;font-weight:600;color:var(--on-accent);background:var(--accent);border:0;border-radius:8px;padding:10px 18px;cursor:pointer}
button:hover{filter:brightness(1.08)}
button.quiet{color:var(--soft);background:none;border:1px solid var(--line);padding:6px 12px;font-weight:500}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
input{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--soft);border-radius:8px;padding:10px 12px;width:100%}
label{display:block;font-weight:600;margin:0 0 6px}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:8px 12px 8px 0;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child>td{border-bottom:0}
th{font-weight:600;color:var(--soft);font-size:.875rem}
`;
