// The page of a run: asks each second what is new while the run goes on, replaces the parts that changed, feeds the charts.
// The server says when there will be news. When the run is over the same page shows its result.
import { Charts } from './run_charts.js';

const page = document.getElementById('kd-run');
const hint = document.getElementById('kd-lost');
const age = document.getElementById('kd-age');
const charts = new Charts(document.getElementById('kd-charts'));
const SLOWEST = 30000;
const shown = {};
let etag = '', failures = 0, timer = 0, head = null, clock = 0;

function show(news) {
  for (const [part, html] of Object.entries(news.parts)) {
    if (shown[part] === html) continue;
    shown[part] = html;
    replace(page.querySelector(`[data-part="${part}"]`), html);
  }
  charts.show(news);
  head = news;
  // A run that is over cannot be stopped; the button stands above the page, in the admin's header.
  if (news.over) document.querySelectorAll('a[hx-get*="/stop"]').forEach((link) => link.closest('li').remove());
}

// What somebody scrolled stays where it is. A log stays at its end, where the news is, unless somebody reads further up.
function replace(box, html) {
  const scrolled = [...box.querySelectorAll('.kd-scroll, .kd-log')].map((area) => [area.scrollLeft, isAtEnd(area) ? null : area.scrollTop]);
  box.innerHTML = html;
  [...box.querySelectorAll('.kd-scroll, .kd-log')].forEach((area, n) => {
    const [left, top] = scrolled[n] || [0, null];
    area.scrollTo(left, top ?? (area.matches('.kd-log') ? area.scrollHeight : 0));
  });
}

function isAtEnd(area) {
  return area.scrollHeight - area.scrollTop - area.clientHeight < 8;
}

function tell(text) {
  hint.hidden = !text;
  if (hint.textContent !== text) hint.textContent = text;
}

// How long ago the newest second ended, by the server's clock.
function showAge() {
  const isLive = head && !head.over && head.started && head.until > 0 && !failures;
  age.hidden = !isLive;
  if (!isLive) return;
  const behind = Math.max(0, Date.now() / 1000 + clock - head.started - head.until);
  age.dataset.behind = behind.toFixed(2);
  age.textContent = behind > 8 ? `no news for ${Math.round(behind)} s` : `live, ${Math.round(behind)} s behind`;
  age.classList.toggle('kd-is-late', behind > 8);
}

async function ask() {
  // Everything at first, and once more when the run is over: its result may have other steps.
  const since = head && !head.over ? charts.until() : null;
  const address = page.dataset.live + (since === null ? '' : `?since=${since}`);
  const answer = await fetch(address, {
    credentials: 'same-origin', redirect: 'manual', headers: etag ? { 'If-None-Match': etag } : {}, signal: AbortSignal.timeout(10000),
  });
  if (answer.type === 'opaqueredirect' || answer.status === 403) return tell('You have been signed out. Load the page again to sign in.');
  if (answer.status === 404) return tell('This run is no longer here.');
  if (answer.status !== 304) {
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const news = await answer.json();
    etag = answer.headers.get('ETag');
    show(news);
    if (news.over) return news.whole ? undefined : again(0);
  }
  clock = Number(answer.headers.get('X-Now')) - Date.now() / 1000;
  failures = 0;
  tell('');
  return again(1000 * Number(answer.headers.get('X-Ask-In') || 1));
}

async function look() {
  timer = 0;
  if (document.hidden) return;
  try {
    await ask();
  } catch (error) {
    failures += 1;
    if (failures > 1) tell('The connection to the portal is lost. The run goes on; trying again…');
    again(Math.min(SLOWEST, 500 * 2 ** failures));
  }
}

function again(pause) {
  clearTimeout(timer);
  timer = setTimeout(look, pause);
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !(head && head.over)) again(0);
});
page.querySelectorAll('.kd-log').forEach((log) => log.scrollTo(0, log.scrollHeight));
setInterval(showAge, 250);
look();
