// What every page does by itself: times in the reader's zone, parts that follow the event stream, forms that change the
// page without loading it anew, keys, previews. Pages say what they want in data- attributes; nothing here knows a page.
//
//   data-live="alerts mentions" data-from="/address"   the part is fetched anew when one of these topics moves
//   form[data-enhance]                                 sent by fetch; the answer's <main> takes the place of ours
//   data-preview="/address" data-into="#id"            what its form says is sent there as it is typed
//   data-list                                          a list whose [data-id] items j and k go through
//   data-key="a"                                       what the key presses; inside an item: for the one we are at
//   data-opens="#id", data-closes                      a dialog
//   data-confirm="words"                               asked before the form is sent

const LEAST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30000;
const NEW_FOR_MS = 2500;
const TYPING_MS = 400;
const BUSY_AFTER_MS = 300;

const words = document.body.dataset;
const zone = document.documentElement.lang || undefined;
let waiting = 0;
let current = null;

// --- Saying what is going on ---------------------------------------------------------------------------------------

function say(text) {
  const place = document.getElementById("said");
  if (!place) return;
  place.textContent = text;
  place.hidden = !text;
}

async function busy(work) {
  const bar = document.getElementById("busy");
  const shown = setTimeout(() => bar?.removeAttribute("hidden"), BUSY_AFTER_MS);
  waiting += 1;
  try {
    return await work();
  } finally {
    waiting -= 1;
    clearTimeout(shown);
    if (!waiting) bar?.setAttribute("hidden", "");
  }
}

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const when = new Date(time.dateTime);
    if (Number.isNaN(when.valueOf())) continue;
    time.title = time.dateTime;
    time.textContent = when.toLocaleString(zone, { dateStyle: "medium", timeStyle: "short" });
  }
}

async function page(address, options = {}) {
  const response = await fetch(address, { credentials: "same-origin", ...options });
  // Our own server's markup, in which every foreign character is escaped.
  const shown = new DOMParser().parseFromString(await response.text(), "text/html");
  return { response, shown };
}

// --- Parts that follow the event stream ------------------------------------------------------------------------------

function ids(root) {
  return [...root.querySelectorAll("[data-id]")].map((element) => element.dataset.id);
}

// What the reader is in the middle of in a part: replacing it must not take that away.
function inUse(part) {
  const active = document.activeElement;
  const typing = active && part.contains(active) && active.matches("input, textarea, select");
  return typing || part.querySelector("dialog[open]") !== null || String(document.getSelection()).length > 0;
}

function replace(part, next) {
  const open = new Set([...part.querySelectorAll("details[open][id]")].map((element) => element.id));
  const at = document.activeElement && part.contains(document.activeElement) ? document.activeElement : null;
  const place = at && { id: at.id, item: at.closest("[data-id]")?.dataset.id, key: at.dataset.key };
  for (const id of open) next.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
  localise(next);
  part.replaceChildren(...next.childNodes);
  mark(current);
  if (!place) return;
  const item = place.item && part.querySelector(`[data-id="${CSS.escape(place.item)}"]`);
  const again = place.id ? document.getElementById(place.id) : place.key ? item?.querySelector(`[data-key="${place.key}"]`) : item;
  again?.focus({ preventScroll: true });
}

function followed(part) {
  let fetching = false;
  let stale = false;
  let pause = LEAST_PAUSE_MS;
  // When each row was first shown: a new one stays marked although the part is replaced meanwhile.
  const shownAt = new Map(ids(part).map((id) => [id, -Infinity]));

  return async function refresh() {
    if (fetching || inUse(part)) {
      stale = true;
      if (!fetching) setTimeout(refresh, LEAST_PAUSE_MS);
      return;
    }
    fetching = true;
    stale = false;
    let failed = true;
    try {
      const { response, shown } = await page(part.dataset.from, { headers: { "X-Fragment": "1" } });
      if (response.status === 401) {
        location.reload();
        return;
      }
      if (response.ok) {
        const next = shown.body;
        for (const element of next.querySelectorAll("[data-id]")) {
          const id = element.dataset.id;
          if (!shownAt.has(id)) shownAt.set(id, performance.now());
          element.classList.toggle("new", performance.now() - shownAt.get(id) < NEW_FOR_MS);
        }
        replace(part, next);
        const kept = new Set(ids(part));
        for (const id of shownAt.keys()) if (!kept.has(id)) shownAt.delete(id);
        failed = false;
      }
    } catch {
      // The network: tried again like an answer that is no page.
    }
    pause = failed ? Math.min(pause * 2, LONGEST_PAUSE_MS) : LEAST_PAUSE_MS;
    setTimeout(() => {
      fetching = false;
      if (stale || failed) refresh();
    }, pause);
  };
}

let stream = null;

function follow() {
  stream?.close();
  const parts = [...document.querySelectorAll("[data-live]")];
  if (!parts.length) return;
  const refreshes = parts.map((part) => [new Set(part.dataset.live.split(" ")), followed(part)]);
  const lost = document.getElementById("connection");
  let seen = null;
  stream = new EventSource("/api/v1/events");
  // data: {"topics": {"alerts": "version", ...}}; the first one says how things stand.
  stream.addEventListener("changed", (event) => {
    const { topics } = JSON.parse(event.data);
    const before = seen;
    seen = topics;
    const moved = Object.keys(topics).filter((topic) => before === null || before[topic] !== topics[topic]);
    for (const [wanted, refresh] of refreshes) if (moved.some((topic) => wanted.has(topic))) refresh();
  });
  stream.addEventListener("open", () => {
    lost.hidden = true;
  });
  stream.addEventListener("error", () => {
    lost.hidden = false;
  });
}

// --- Forms and previews ----------------------------------------------------------------------------------------------

function take(shown, address, keep) {
  const ours = document.querySelector("main");
  const theirs = shown.querySelector("main");
  if (!theirs) {
    location.assign(address);
    return;
  }
  localise(theirs);
  ours.replaceWith(theirs);
  document.title = shown.title;
  const nav = shown.querySelector("nav.pages");
  if (nav) document.querySelector("nav.pages")?.replaceWith(nav);
  say(shown.getElementById("said")?.textContent.trim() ?? "");
  if (!keep && address !== location.href) history.pushState(null, "", address);
  current = null;
  ready();
}

async function send(form, button) {
  const data = new FormData(form, button);
  const method = (button?.formMethod || form.method).toUpperCase();
  const target = new URL(button?.getAttribute("formaction") || form.getAttribute("action") || location.href, location.href);
  const options = { method };
  if (method === "GET") {
    const asked = [...data].filter(([, value]) => value !== "");
    target.search = new URLSearchParams(asked).toString();
  } else {
    options.body = new URLSearchParams(data);
  }
  form.setAttribute("aria-busy", "true");
  try {
    await busy(async () => {
      const scroll = window.scrollY;
      const { response, shown } = await page(target, options);
      const refused = !response.ok && method !== "GET";
      take(shown, refused ? location.href : response.url, refused);
      if (method !== "GET") window.scrollTo(0, refused ? 0 : scroll);
      if (refused) document.querySelector("main [role=alert]")?.focus();
    });
  } catch {
    say(words.failed);
  } finally {
    form.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const asked = event.submitter?.dataset.confirm || form.dataset.confirm;
  if (asked && !window.confirm(asked)) {
    event.preventDefault();
    return;
  }
  if (!form.matches("[data-enhance]") || form.method === "dialog") return;
  event.preventDefault();
  send(form, event.submitter);
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-sends]")) event.target.form.requestSubmit();
});

const typing = new WeakMap();

document.addEventListener("input", (event) => {
  const form = event.target.closest("[data-preview]");
  if (!form) return;
  clearTimeout(typing.get(form)?.timer);
  typing.get(form)?.abort.abort();
  const abort = new AbortController();
  const timer = setTimeout(() => preview(form, abort.signal), TYPING_MS);
  typing.set(form, { timer, abort });
});

async function preview(form, signal) {
  const into = document.querySelector(form.dataset.into);
  into.setAttribute("aria-busy", "true");
  try {
    await busy(async () => {
      const options = { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "X-Fragment": "1" }, signal };
      const { shown } = await page(form.dataset.preview, options);
      localise(shown.body);
      into.replaceChildren(...shown.body.childNodes);
    });
  } catch (error) {
    if (error.name !== "AbortError") into.textContent = words.failed;
  } finally {
    into.removeAttribute("aria-busy");
  }
}

window.addEventListener("popstate", () => location.reload());
window.addEventListener("pagehide", () => stream?.close());

// --- Keys ------------------------------------------------------------------------------------------------------------

function items() {
  return [...document.querySelectorAll("[data-list] > [data-id]")];
}

function mark(id) {
  for (const item of items()) {
    const here = item.dataset.id === id;
    item.classList.toggle("current", here);
    if (here) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  }
}

function step(by) {
  const all = items();
  if (!all.length) return;
  const at = all.findIndex((item) => item.dataset.id === current);
  const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  current = next.dataset.id;
  mark(current);
  next.tabIndex = -1;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function press(key) {
  const item = items().find((one) => one.dataset.id === current);
  const wanted = `[data-key="${CSS.escape(key)}"]`;
  const found = item?.querySelector(wanted) ?? [...document.querySelectorAll(wanted)].find((one) => !one.closest("[data-list]"));
  if (!found) return false;
  if (found.matches("input, select, textarea")) found.focus();
  else found.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("input, textarea, select, dialog[open], [contenteditable]")) return;
  const { key } = event;
  if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
  else if (key === "?") document.getElementById("keys")?.showModal();
  else if (key.length !== 1 || key === " " || !press(key)) return;
  event.preventDefault();
});

document.addEventListener("focusin", (event) => {
  const item = event.target.closest("[data-list] > [data-id]");
  if (item && item.dataset.id !== current) mark((current = item.dataset.id));
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.querySelector(opener.dataset.opens)?.showModal();
  if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
  const copied = event.target.closest("[data-copies]");
  if (copied) navigator.clipboard?.writeText(document.querySelector(copied.dataset.copies).textContent);
});

function ready() {
  localise(document);
  follow();
}

ready();
