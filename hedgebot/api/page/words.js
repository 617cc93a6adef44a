// Figures and states in words. Pure: nothing here touches the page.

// The sign of a state is a shape, so that nobody has to tell colours apart.
export const STATES = {
  starting: { word: "Starting", sign: "…", tone: "busy" },
  hedged: { word: "Hedged", sign: "✓", tone: "good" },
  adjusting: { word: "Adjusting", sign: "↻", tone: "busy" },
  drifting: { word: "Drifting", sign: "!", tone: "warn" },
  blind: { word: "Blind", sign: "?", tone: "bad" },
  paused: { word: "Paused", sign: "‖", tone: "warn" },
  halted: { word: "Halted", sign: "×", tone: "bad" },
  unwinding: { word: "Unwinding", sign: "↓", tone: "busy" },
  unwound: { word: "Unwound", sign: "○", tone: "idle" },
};

export function stateOf(name) {
  return STATES[name] ?? { word: name, sign: "?", tone: "bad" };
}

// What a state means for the holder, in a sentence. `ratio` and what is held are of the last snapshot.
export function says(hedge, mode) {
  const target = percent(hedge.target_ratio);
  const holding = `${coins(hedge.held)} ${hedge.asset}`;
  const much = known(hedge.ratio) ? `${percent(hedge.ratio)} of your ${holding}` : null;
  switch (hedge.state) {
    case "starting": return "The first look has not ended yet.";
    case "hedged": return much === null ? "Nothing is held, so there is nothing to protect."
      : `${much} is protected, as asked: the target is ${target}.`;
    case "adjusting": return `${much ?? "Nothing"} is protected; an order is on its way to ${target}.`;
    case "drifting": return `${much ?? "Nothing"} is protected; it should be ${target}. `
      + (mode === "live" ? "hedgebot may not trade now." : `In mode ${mode} nothing is sent.`);
    case "blind": return "hedgebot cannot trust what it sees, so it does nothing. "
      + "What is hedged stays hedged: the short rests on the exchange.";
    case "paused": return `${much ?? "Nothing"} is protected. hedgebot watches but does not trade.`;
    case "halted": return "hedgebot watches but does not trade until a person mends something.";
    case "unwinding": return `${much ?? "Nothing"} is protected; it is bought back to ${target}, as ordered.`;
    case "unwound": return `Bought back as ordered: ${much ?? "nothing"} is protected until somebody resumes.`;
    default: return "";
  }
}

// What a move of the price still does to the holder.
export function swing(hedge) {
  const net = Number(hedge.net), worth = Number(hedge.exposure), value = Number(hedge.value_usd);
  if (!(worth > 0)) return "";
  const dollars = Math.abs(net / worth * value * 0.1);
  const size = dollars < 1 ? "less than 1" : `about ${usd(String(dollars), 0)}`;
  return `If the price moves by 10 %, the value of ${usd(hedge.value_usd, 0)} USD changes by ${size} USD.`;
}

// What the reader should do: the step of the strictest alarm, or of the state itself.
export function nextStep(hedge, mode) {
  const step = alarms(hedge.findings).find((finding) => finding.next_step)?.next_step;
  if (step) return step;
  if (hedge.paused) return "Nothing by itself ends the pause: hedgebot resume does.";
  switch (hedge.state) {
    case "unwound": return "Nothing. hedgebot resume builds the hedge again.";
    case "starting": return "Wait a few seconds.";
    case "drifting": return mode === "live" ? "See why; it trades as soon as it may."
      : `Mode ${mode} sends nothing: hedgebot plan tells what it would do.`;
    case "halted": return "Mend what stops it; until then it only watches.";
    default: return "Nothing to do.";
  }
}

const STRICTEST = ["none", "reduce_only", "any"];
export const PERMITS = { none: "no order is allowed", reduce_only: "only buying back is allowed", any: "" };

// Findings that restrain or alarm, the strictest first.
export function alarms(findings) {
  return findings
    .filter((finding) => finding.alarm || finding.permission !== "any")
    .sort((a, b) => STRICTEST.indexOf(a.permission) - STRICTEST.indexOf(b.permission));
}

export function known(told) {
  return told !== null && told !== undefined && told !== "unknown";
}

// A decimal string, exactly, with at most `places` decimals; "–" is "no such thing".
export function number(told, places, options = {}) {
  if (told === null || told === undefined) return "–";
  if (told === "unknown") return "unknown";
  const format = new Intl.NumberFormat("en-US", { maximumFractionDigits: places, signDisplay: "negative", ...options });
  return format.format(told).replace("-", "−");
}

export const coins = (told) => number(told, 8);
export const signed = (told) => number(told, 8, { signDisplay: "exceptZero" });
export const usd = (told, places = 2) => number(told, places, { minimumFractionDigits: places });

export function percent(told, places = 2) {
  return known(told) ? `${number(String(Number(told) * 100), places)} %` : number(told);
}

// Seconds as a person says them.
export function age(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86400)} d`;
}

// 2026-11-21T05:00:00Z as "21 Nov 05:00:00".
export function moment(iso) {
  const [, , month, day, time] = /^(\d+)-(\d+)-(\d+)T([\d:]+)/.exec(iso) ?? [];
  const names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  return time ? `${Number(day)} ${names[Number(month) - 1]} ${time}` : iso;
}
