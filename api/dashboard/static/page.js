// What every page does by itself: times in the reader's zone, parts that follow the event stream, forms that change the
// page without loading it anew, keys, previews. Pages say what they want in data- attributes; nothing here knows a page.
//
//   data-live="alerts mentions" data-from="/address"   the part is fetched anew when one of these topics moves
//   data-loads="/address"                              the part is fetched once, after the page is there
//   form[data-enhance]                                 sent by fetch; the answer's <main> takes the place of ours
//   data-preview="/address" data-into="#id"            what its form says is sent there as it is typed
//   button[data-preview] data-into="#id"               the same of its form, when it is pressed
//   data-list                                          a list whose [data-id] items j and k go through
//   data-key="a"                                       what the key presses; inside an item: for the one we are at
//   data-opens="#id", data-closes                      a dialog
//   data-confirm="words"                               asked before the form is sent
//   data-sends                                         a choice that sends its form when it is changed
//   data-keep                                          a field that an enhanced GET names although it is empty
//   data-zone                                          a hidden field that says the reader's time zone
//   data-copies="#id"                                  copies that text

const LEAST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30000;
const NEW_FOR_MS = 2500;
const TYPING_MS = 400;
const BUSY_AFTER_MS = 300;

const words = document.body.dataset;
const language = document.documentElement.lang || undefined;
let waiting = 0;
let current = null;
let shownAt = whole(location);

// An address without the place in the page that it leads to.
function whole({ pathname, search }) {
  return pathname + search;
}

// --- Saying what is going on ---------------------------------------------------------------------------------------

function say(text, failed = false) {
  const place = document.getElementById("said");
  if (!place) return;
  place.classList.toggle("failed", failed);
  place.setAttribute("role", failed ? "alert" : "status");
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
    time.textContent = when.toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
  }
  for (const field of root.querySelectorAll("[data-zone]")) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
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

function changed(field) {
  if (field.matches("select")) return [...field.options].some((option) => option.selected !== option.defaultSelected) && field.selectedIndex > 0;
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  return field.value !== field.defaultValue;
}

// What the reader is in the middle of in a part: replacing it must not take that away.
function inUse(part) {
  const active = document.activeElement;
  const choosing = active?.matches("select") && part.contains(active);
  const selection = document.getSelection();
  const selecting = !selection.isCollapsed && part.contains(selection.anchorNode) && !active?.matches("input, textarea");
  return choosing || selecting || part.querySelector("dialog[open]") !== null || [...part.querySelectorAll("input, select, textarea")].some(changed);
}

// Where the reader is in a part, so that the same place can be found in what replaces it.
function placeOf(part) {
  const at = document.activeElement;
  if (!at || !part.contains(at)) return null;
  const item = at.closest("[data-id]")?.dataset.id;
  const names = ["id", "data-key", "formaction", "value", "name", "href"];
  const found = names.filter((name) => at.getAttribute(name)).map((name) => `[${name}="${CSS.escape(at.getAttribute(name))}"]`);
  return { item, selector: at.localName + found.join(""), itself: at.dataset.id !== undefined };
}

function goTo(part, place) {
  const item = place.item && part.querySelector(`[data-id="${CSS.escape(place.item)}"]`);
  const there = place.itself ? item : (item || part).querySelector(place.selector) || item;
  if (there?.dataset.id) there.tabIndex = -1;
  there?.focus({ preventScroll: true });
}

function replace(part, next) {
  const place = placeOf(part);
  for (const { id } of part.querySelectorAll("details[open][id]")) next.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
  localise(next);
  part.replaceChildren(...next.childNodes);
  mark();
  if (place) goTo(part, place);
}

function followed(part) {
  let fetching = false;
  let stale = false;
  let later = null;
  let pause = LEAST_PAUSE_MS;
  // When each row was first shown: a new one stays marked although the part is replaced meanwhile.
  const shownAt = new Map(ids(part).map((id) => [id, -Infinity]));

  function again(after) {
    clearTimeout(later);
    later = setTimeout(refresh, after);
  }

  async function refresh() {
    if (!part.isConnected) return;
    if (fetching) {
      stale = true;
      return;
    }
    if (inUse(part)) {
      again(LEAST_PAUSE_MS);
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
      // Somebody may have begun to write meanwhile.
      if (response.ok && part.isConnected && !inUse(part)) {
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
  }

  return refresh;
}

let stream = null;
let seen = null;
let refreshes = [];

function refreshAll(moved) {
  for (const [wanted, refresh] of refreshes) if (moved === null || moved.some((topic) => wanted.has(topic))) refresh();
}

function listen() {
  const lost = document.getElementById("connection");
  stream = new EventSource("/api/v1/events");
  // data: {"topics": {"alerts": "version", ...}}; the first one says how things stand.
  stream.addEventListener("changed", (event) => {
    const { topics } = JSON.parse(event.data);
    const before = seen;
    seen = topics;
    refreshAll(before && Object.keys(topics).filter((topic) => before[topic] !== topics[topic]));
  });
  stream.addEventListener("open", () => {
    lost.hidden = true;
  });
  stream.addEventListener("error", () => {
    lost.hidden = false;
    // A refusal ends the stream for good: the parts find out whether it is the session that is over.
    if (stream?.readyState !== EventSource.CLOSED) return;
    stream = null;
    refreshAll(null);
    setTimeout(follow, LONGEST_PAUSE_MS);
  });
}

function unfollow() {
  stream?.close();
  stream = null;
}

function follow() {
  const parts = [...document.querySelectorAll("[data-live]")];
  refreshes = parts.map((part) => [new Set(part.dataset.live.split(" ")), followed(part)]);
  if (!parts.length) unfollow();
  else if (!stream) listen();
}

// --- Forms and previews ----------------------------------------------------------------------------------------------

function dress(shown) {
  const here = new Set([...document.querySelectorAll("link[rel=stylesheet]")].map((link) => link.getAttribute("href")));
  for (const link of shown.querySelectorAll("link[rel=stylesheet]")) if (!here.has(link.getAttribute("href"))) document.head.append(link);
  document.getElementById("menu")?.hidePopover?.();
  for (const part of ["nav.pages", "#keys"]) {
    const [ours, theirs] = [document.querySelector(part), shown.querySelector(part)];
    if (ours && theirs) ours.replaceWith(theirs);
  }
  document.title = shown.title;
}

function take(shown, address, keep) {
  const ours = document.querySelector("main");
  const theirs = shown.querySelector("main");
  if (!theirs || shown.documentElement.lang !== document.documentElement.lang) {
    location.assign(address);
    return;
  }
  const at = items().findIndex((item) => item.dataset.id === current);
  const place = placeOf(ours);
  dress(shown);
  ours.replaceWith(theirs);
  say(shown.getElementById("said")?.textContent.trim() ?? "");
  if (!keep && address !== location.href) history.pushState(null, "", address);
  shownAt = whole(location);
  ready();
  // What was acted on may have left the list: the next one has come to its place.
  const all = items();
  if (at >= 0 && all.length && !all.some((item) => item.dataset.id === current)) current = all[Math.min(at, all.length - 1)].dataset.id;
  mark();
  const item = all.find((one) => one.dataset.id === current);
  if (at >= 0 && item) goTo(theirs, { item: current, itself: true });
  else if (place) goTo(theirs, place);
  if (document.activeElement !== document.body) return;
  theirs.tabIndex = -1;
  theirs.focus({ preventScroll: true });
}

async function send(form, button) {
  if (form.getAttribute("aria-busy") === "true") return;
  const data = new FormData(form, button);
  const method = (button?.getAttribute("formmethod") || form.method).toUpperCase();
  const target = new URL(button?.getAttribute("formaction") || form.getAttribute("action") || location.href, location.href);
  const options = { method };
  if (method === "GET") {
    const asked = [...data].filter(([name, value]) => value !== "" || form.querySelector(`[name="${CSS.escape(name)}"][data-keep]`));
    target.search = new URLSearchParams(asked).toString();
  } else {
    options.body = form.enctype === "multipart/form-data" ? data : new URLSearchParams(data);
  }
  form.setAttribute("aria-busy", "true");
  try {
    await busy(async () => {
      const scroll = window.scrollY;
      const { response, shown } = await page(target, options);
      const refused = !response.ok && method !== "GET";
      take(shown, refused ? location.href : response.url, refused);
      if (method !== "GET") window.scrollTo(0, refused ? 0 : scroll);
      if (!response.ok) document.querySelector("main [role=alert]")?.focus();
    });
  } catch {
    say(words.failed, true);
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
      const { response, shown } = await page(form.dataset.preview, options);
      if (!response.ok && response.status !== 422) throw new Error(response.statusText);
      localise(shown.body);
      into.replaceChildren(...shown.body.childNodes);
    });
  } catch (error) {
    if (error.name !== "AbortError") into.textContent = words.failed;
  } finally {
    if (!signal.aborted) into.removeAttribute("aria-busy");
  }
}

// A jump within the page is told as one, too.
window.addEventListener("popstate", () => {
  if (whole(location) !== shownAt) location.reload();
});
window.addEventListener("pagehide", unfollow);
window.addEventListener("pageshow", (event) => {
  if (event.persisted) follow();
});

// --- Keys ------------------------------------------------------------------------------------------------------------

function items() {
  return [...document.querySelectorAll("[data-list] > [data-id]")];
}

function mark() {
  for (const item of items()) {
    const here = item.dataset.id === current;
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
  mark();
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
  // What a key opens is gone on with by keys.
  if (found.matches("summary") && found.parentElement.open) found.parentElement.querySelector("input:not([type=hidden]), button, select, textarea")?.focus();
  return true;
}

// Out of a field, and out of what a key has opened.
function leave(target) {
  const opened = target.closest("details.ask[open]");
  opened?.removeAttribute("open");
  const item = target.closest("[data-list] > [data-id]");
  if (item) goTo(document, { item: item.dataset.id, itself: true });
  else target.blur();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const { key, target } = event;
  if (target.closest("dialog[open]")) return;
  if (key === "Escape" && target !== document.body) {
    leave(target);
    return;
  }
  if (target.closest("input, textarea, select, [contenteditable]")) return;
  if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
  else if (key === "?") document.getElementById("keys")?.showModal();
  else if (key.length !== 1 || key === " " || !press(key)) return;
  event.preventDefault();
});

document.addEventListener("focusin", (event) => {
  const item = event.target.closest("[data-list] > [data-id]");
  if (!item || item.dataset.id === current) return;
  current = item.dataset.id;
  mark();
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.querySelector(opener.dataset.opens)?.showModal();
  if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
  const copied = event.target.closest("[data-copies]");
  if (copied) navigator.clipboard?.writeText(document.querySelector(copied.dataset.copies).textContent);
});

async function load(part) {
  const address = part.dataset.loads;
  part.removeAttribute("data-loads");
  part.setAttribute("aria-busy", "true");
  try {
    const { shown } = await page(address, { headers: { "X-Fragment": "1" } });
    localise(shown.body);
    part.replaceChildren(...shown.body.childNodes);
  } catch {
    part.append(words.failed);
  } finally {
    part.removeAttribute("aria-busy");
  }
}

function ready() {
  localise(document);
  follow();
  for (const part of document.querySelectorAll("[data-loads]")) load(part);
}

ready();
