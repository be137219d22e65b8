// Keeps the page up to date: follows the event stream, fetches the part that changed, shows times in the reader's zone.

const LEAST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30000;
const NEW_FOR_MS = 2500;

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const when = new Date(time.dateTime);
    time.title = time.dateTime;
    time.textContent = when.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  }
}

function ids(root) {
  return [...root.querySelectorAll("[data-id]")].map((element) => element.dataset.id);
}

function follow(part) {
  const connection = document.getElementById("connection");
  let fetching = false;
  let stale = false;
  let pause = LEAST_PAUSE_MS;
  // When each row was first shown: a new one stays marked although the part is replaced meanwhile.
  const shownAt = new Map(ids(part).map((id) => [id, -Infinity]));

  async function refresh() {
    if (fetching) {
      stale = true;
      return;
    }
    fetching = true;
    stale = false;
    let failed = true;
    try {
      const response = await fetch(part.dataset.partial, { headers: { Accept: "text/html" } });
      if (response.ok) {
        // Our own server's markup, in which every foreign character is escaped.
        const next = new DOMParser().parseFromString(await response.text(), "text/html").body;
        for (const element of next.querySelectorAll("[data-id]")) {
          const id = element.dataset.id;
          if (!shownAt.has(id)) shownAt.set(id, performance.now());
          element.classList.toggle("new", performance.now() - shownAt.get(id) < NEW_FOR_MS);
        }
        localise(next);
        part.replaceChildren(...next.childNodes);
        const shown = new Set(ids(part));
        for (const id of shownAt.keys()) if (!shown.has(id)) shownAt.delete(id);
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

  const stream = new EventSource(part.dataset.stream);
  stream.addEventListener("changed", refresh);
  stream.addEventListener("open", () => {
    connection.hidden = true;
  });
  stream.addEventListener("error", () => {
    connection.textContent = "Connection lost, trying again. What you see may be out of date.";
    connection.hidden = false;
  });
}

localise(document);
const part = document.getElementById("arriving");
if (part) follow(part);
