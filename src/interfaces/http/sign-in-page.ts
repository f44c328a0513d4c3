// Signing in and out: a link opens a page with a button, because programs that look at links (previews, scanners) must not
// use it up; the button redeems it.
import { html } from 'hono/html';
import { htmlPage, type Html } from './html.ts';

const STYLE = `
main{max-width:460px;padding-top:12vh}
.card button{width:100%;margin-top:16px}
.card form+p,.card p:last-child{margin-bottom:0}
.problem{border-left:4px solid var(--bad);padding:2px 0 2px 14px;margin:0 0 18px}
`;

/** The link is good: one button. */
export function linkPage(address: string): Promise<Response> {
  return page('Sign in', {
    body: html`<h1>Sign in to this node</h1>
      <p class="soft">The link works once. It makes this browser the administrator of the node, for 30 days or until you sign out.</p>
      <form method="post" action="${address}"><button autofocus>Sign in</button></form>`,
  });
}

/** The link is used, too old or not ours: what to do instead. */
export function deadLinkPage(): Promise<Response> {
  return page('Sign in', {
    status: 403,
    problem: 'This sign-in link can not be used.',
    body: html`<p>Links work once and for 15 minutes. Signed in already? Then go on to <a href="/">the node</a>.</p>
      ${tokenForm()}`,
  });
}

/** No link at hand: the admin token opens the door too. */
export function tokenPage(problem?: string, status = 200): Promise<Response> {
  return page('Sign in', {
    status,
    ...(problem === undefined ? {} : { problem }),
    body: html`<h1>Sign in to this node</h1>
      ${tokenForm()}`,
  });
}

export function signedOutPage(cookie: string): Promise<Response> {
  return page('Signed out', {
    cookie,
    body: html`<h1>You are signed out</h1>
      <p class="soft">The session is over on the node too, not only in this browser.</p>
      <p><a href="/sign-in">Sign in again</a></p>`,
  });
}

/** A page of ours was not where the request came from. */
export function foreignPage(): Promise<Response> {
  return page('Not accepted', {
    status: 403,
    problem: 'This request came from another site.',
    body: html`<p>
        Open the page of the node itself and try again. Behind a proxy, <code>PUBLIC_URL</code> must be the address in the browser.
      </p>
      <p><a href="/sign-in">Sign in</a></p>`,
  });
}

function tokenForm(): Html | Promise<Html> {
  return html`<p class="soft">
      Paste the admin token. On the machine of the node it is in the data folder: <code>cat data/admin.token</code>. Starting the node again
      prints a new link.
    </p>
    <form method="post" action="/sign-in">
      <label for="token">Admin token</label>
      <input id="token" name="token" type="password" autocomplete="off" spellcheck="false" required maxlength="200" />
      <button>Sign in</button>
    </form>`;
}

interface SignInPage {
  body: Html | Promise<Html>;
  problem?: string;
  status?: number;
  cookie?: string;
}

function page(title: string, { body, problem, status = 200, cookie }: SignInPage): Promise<Response> {
  const told = problem === undefined ? '' : html`<p class="problem" role="alert"><strong>${problem}</strong></p>`;
  return htmlPage(
    { title, style: STYLE, body: html`<div class="card">${told}${body}</div>` },
    status,
    cookie === undefined ? {} : { 'set-cookie': cookie },
  );
}
