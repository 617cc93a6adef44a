// Asks the daemon every two seconds and keeps the page honest: what it shows is fresh, or says that it is not.

import { HedgeView } from "./hedge.js";
import { age, moment, stateOf } from "./words.js";

const ASK_EVERY_MS = 2000;
const ANSWER_WITHIN_MS = 5000;
const SILENT_AFTER_S = 8;

const part = (id) => document.getElementById(id);
const views = new Map();
let status = null;
let heardAt = null;
let failed = false;

async function ask(path) {
  const reply = await fetch(path, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS), cache: "no-store" });
  if (!reply.ok) throw new Error(`${path} answered ${reply.status}`);
  return reply.json();
}

async function listen() {
  let told = null;
  try {
    told = await ask("/api/v1/status");
  } catch {
    failed = true;
  }
  setTimeout(listen, ASK_EVERY_MS);
  if (told !== null) {
    if (status !== null && status.version !== told.version) location.reload();
    status = told;
    show();
    heardAt = performance.now();  // only what is shown counts as heard
  }
  tick();
}

function show() {
  const hedges = Object.entries(status.hedges);
  write(part("mode"), `mode ${status.mode}`);
  part("mode").hidden = false;
  part("mode").dataset.mode = status.mode;
  write(part("version"), `version ${status.version}`);
  for (const [name, hedge] of hedges) {
    if (!views.has(name)) {
      views.set(name, new HedgeView(name, part("hedge"), ask));
      part("hedges").append(views.get(name).root);
    }
    views.get(name).show(hedge, status);
  }
  for (const [name, view] of views) {
    if (Object.hasOwn(status.hedges, name)) continue;
    view.root.remove();
    views.delete(name);
  }
  overview(hedges);
}

// With several hedges: each one's state at the top, as a link to it.
function overview(hedges) {
  part("overview").hidden = hedges.length < 2;
  const links = hedges.map(([name, hedge]) => {
    const { word, sign, tone } = stateOf(hedge.state);
    const link = document.createElement("a");
    link.href = `#${name}`;
    link.dataset.tone = tone;
    link.textContent = `${sign} ${name}: ${word.toLowerCase()}`;
    const item = document.createElement("li");
    item.append(link);
    return item;
  });
  const list = part("overview").querySelector("ul");
  if (list.textContent !== links.map((item) => item.textContent).join("")) list.replaceChildren(...links);
}

// Once a second: ages grow, and silence shows.
function tick() {
  const since = heardAt === null ? null : (performance.now() - heardAt) / 1000;
  const silent = since === null ? failed : since > SILENT_AFTER_S;
  document.body.dataset.silent = String(silent);
  const alarm = part("trouble");
  alarm.hidden = !silent;
  document.title = title(silent);
  write(alarm, silent ? lament(since) : "");
  if (since !== null) {
    write(part("heard"), `answered ${age(since)} ago`);
    for (const view of views.values()) view.tick(since, silent);
  }
}

function title(silent) {
  const states = Object.entries(status?.hedges ?? {}).map(([name, hedge]) => `${name} ${hedge.state}`);
  return `${silent ? "no answer" : states.join(", ")} – hedgebot`.replace(/^ – /, "");
}

function lament(since) {
  const step = "The hedge itself rests on the exchange. On its machine, hedgebot status or its log tells more.";
  if (since === null) return `hedgebot does not answer. ${step}`;
  const latest = Object.values(status.hedges).map((hedge) => hedge.last_cycle?.at ?? "").sort().at(-1);
  return `hedgebot does not answer. What you see is how it was${latest ? ` at ${moment(latest)} UTC` : ""}. ${step}`;
}

// Text only, and only when it changed: a screen reader is told once.
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

setInterval(tick, 1000);
listen();
