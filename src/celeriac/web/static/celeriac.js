// The pulse: asks every two seconds how fresh the figures are and what changed, says so in words, and lets the
// sections that changed fetch themselves. Without an answer it says that the page is not live.

const PERIOD = 2000;
const PATIENCE = 1900; // an answer later than the next question counts as missed
const MISSES = 3;
const WORDS = { live: "Live", idle: "Idle", gap: "Live, with a hole", stale: "Stale", lost: "Not live", paused: "Paused" };

const root = document.documentElement;
const element = (id) => document.getElementById(id);
const badge = element("badge");

let paused = false;
let misses = 0;
let answered = performance.now();
let asOf = document.querySelector("#badge-time time")?.dateTime ?? null;
let seen = JSON.parse(root.dataset.revisions);
let timer = 0;

root.classList.add("scripted");

function timeOfDay(at) {
  return at ? at.slice(11, 19) : "";
}

function setText(id, text) {
  const target = element(id);
  if (target.textContent !== text) target.textContent = text;
}

/** Show a state: the live region's words change only with it, the ticking parts stand outside of it. */
function show(state, because) {
  root.dataset.pulse = state;
  badge.dataset.state = state;
  setText("badge-word", WORDS[state]);
  setText("badge-time", timeOfDay(asOf));
  element("notice").hidden = state === "live" || state === "idle";
  setText("notice-because", `${because}.`);
  setText("notice-from", asOf ? `Figures below are from ${timeOfDay(asOf)}.` : "");
}

function received(pulse) {
  misses = 0;
  answered = performance.now();
  asOf = pulse.as_of;
  show(pulse.state, pulse.because);
  const count = element("incident-count");
  count.textContent = pulse.incidents || "";
  count.hidden = !pulse.incidents;
  refresh({ ...pulse.revisions, state: pulse.state });
}

function missed() {
  misses += 1;
  if (misses >= MISSES) {
    show("lost", `Not live: no word for ${Math.round((performance.now() - answered) / 1000)} s`);
  }
}

/** Let each visible section fetch itself when one of the counters it watches has moved. */
function refresh(revisions) {
  const before = seen;
  seen = revisions;
  const moved = new Set(Object.keys(revisions).filter((name) => revisions[name] !== before[name]));
  for (const section of document.querySelectorAll("[data-watch]")) {
    const watched = section.dataset.watch.split(" ");
    if (watched.some((name) => moved.has(name)) && !selecting(section)) section.dispatchEvent(new Event("refresh"));
  }
}

/** True while somebody selects text in the section: it must not change beneath them. */
function selecting(section) {
  const selection = document.getSelection();
  return selection && !selection.isCollapsed && section.contains(selection.anchorNode);
}

async function ask() {
  try {
    const response = await fetch("/api/v1/pulse", { signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
    if (!response.ok) throw new Error(`pulse answered ${response.status}`);
    const pulse = await response.json();
    if (!paused) received(pulse);
  } catch {
    if (!paused) missed();
  }
}

async function beat() {
  clearTimeout(timer);
  if (paused || document.hidden) return;
  const began = performance.now();
  await ask();
  if (paused || document.hidden) return;
  const wait = Math.max(0, PERIOD - (performance.now() - began));
  timer = setTimeout(beat, wait * (0.9 + Math.random() * 0.2));
}

function pause() {
  paused = !paused;
  const button = element("pause");
  button.setAttribute("aria-pressed", String(paused));
  setText("pause", paused ? "Resume" : "Pause");
  if (paused) show("paused", "Paused by you");
  else beat();
}

/** The clipboard needs a secure context; over plain HTTP names the old command still works. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await copy(button.dataset.copy);
  const label = button.firstChild;
  label.textContent = "Copied";
  setTimeout(() => (label.textContent = "Copy"), 1500);
});
document.addEventListener("visibilitychange", beat);
element("pause").addEventListener("click", pause);
beat();
