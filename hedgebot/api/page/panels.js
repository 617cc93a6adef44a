// The parts of a hedge's page that are lists of figures: each function returns elements, made of text alone.

import { PERMITS, alarms, coins, known, moment, number, percent, signed, stateOf, usd } from "./words.js";

const SIGNS = { good: "✓", warn: "!", bad: "×" };

export function element(tag, kind = "", text = "") {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  made.textContent = text;
  return made;
}

export function alarmItems(findings) {
  return alarms(findings).map((finding) => {
    const item = element("li", "alarm"), limit = finding.limit ? `, limit ${finding.limit}` : "";
    const measured = finding.measured ? `measured ${finding.measured}${limit}` : "";
    item.dataset.tone = toneOf(finding);
    item.append(
      element("strong", "", finding.guard),
      element("span", "reason", finding.reason),
      element("span", "measured", [PERMITS[finding.permission], measured].filter(Boolean).join(" · ")),
      element("span", "step", finding.next_step ? `→ ${finding.next_step}` : ""),
    );
    return item;
  });
}

export function guardItems(findings) {
  return findings.map((finding) => {
    const item = element("li"), tone = toneOf(finding);
    item.dataset.tone = tone;
    item.append(
      element("span", "sign", SIGNS[tone]),
      element("strong", "", finding.guard.replaceAll("_", " ")),
      element("span", "reason", finding.reason),
    );
    return item;
  });
}

export function decisionItems(decisions) {
  return decisions.map((decision) => {
    const item = element("li"), when = element("time", "", moment(decision.at));
    when.dateTime = decision.at;
    item.dataset.tone = stateOf(decision.state).tone;
    item.append(when, element("strong", "", decision.state), element("span", "reason", decision.reason));
    if (decision.acted) item.append(element("span", "acted", "acted"));
    return item;
  });
}

export function coinRows(hedge) {
  const moving = known(hedge.in_flight) && Number(hedge.in_flight) !== 0;
  return [
    row("Spot", amount(coins(hedge.spot), hedge), "key spot"),
    row("+ Collateral", amount(coins(hedge.collateral), hedge), "key collateral"),
    ...(moving ? [row("+ Between wallets", amount(coins(hedge.in_flight), hedge))] : []),
    row("= Held", amount(coins(hedge.held), hedge), "total"),
    row("− Sold short", amount(coins(hedge.sold), hedge), "key sold"),
    row("= Net, moves with the price", amount(coins(hedge.net), hedge), "total"),
    row("Unrealised profit", amount(signed(hedge.unrealized_pnl), hedge), "aside"),
  ];
}

export function costRows(hedge) {
  const price = Number(hedge.legs[0]?.mark_price);
  const total = Number(hedge.funding_coins) - Number(hedge.fees_coins);
  const dollars = price ? `${usd(String(Math.abs(total * price)))} USD` : "";
  return [
    row("Funding received", amount(coins(hedge.funding_received_coins), hedge)),
    row("− Funding paid", amount(coins(hedge.funding_paid_coins), hedge)),
    row("− Fees", amount(coins(hedge.fees_coins), hedge)),
    row(total > 0 ? "= Gain" : "= Cost", amount(coins(Math.abs(total).toFixed(12)), hedge), "total"),
    row(hedge.since ? `since ${moment(hedge.since)}` : "", dollars, "aside"),
  ];
}

function row(name, told, kind = "") {
  const made = element("div", kind);
  made.append(element("dt", "", name), element("dd", "", told));
  return made;
}

const amount = (told, hedge) => (/\d/.test(told) ? `${told} ${hedge.asset}` : told);

export function legItems(hedge) {
  const nearest = hedge.findings.find((finding) => finding.guard === "liquidation");
  return hedge.legs.map((leg) => {
    const item = element("div", "leg"), big = element("p", "big"), [far, more] = distance(leg);
    big.append(element("span", "amount", far), " ", element("span", "unit", more));
    item.append(element("h4", "", `${leg.symbol} on ${leg.account}`), big, meter(leg, nearest));
    item.append(element("p", "unit", position(leg)), element("p", "unit", funding(leg)));
    if (leg.liquidation_distance !== null && nearest?.limit) {
      item.append(element("p", "unit", `Limits: ${nearest.limit}.`));
    }
    return item;
  });
}

function distance(leg) {
  if (leg.liquidation_distance === null) return ["No price", "liquidates it"];
  if (leg.liquidation_distance === "unknown") return ["Unknown", "the exchange did not tell"];
  return [`+${percent(leg.liquidation_distance, 1)}`, `at ${usd(leg.liquidation_price, 0)} USD`];
}

// How much room there is: full where the price may double, or go anywhere.
function meter(leg, nearest) {
  const made = element("div", "distance"), far = leg.liquidation_distance;
  made.dataset.tone = far === null || nearest === undefined ? "good" : toneOf(nearest);
  made.setAttribute("aria-hidden", "true");
  made.append(element("span"));
  made.firstChild.style.width = `${far === null ? 100 : Math.min(100, Math.max(0, Number(far) * 100 || 0))}%`;
  return made;
}

function position(leg) {
  if (leg.entry_price === null) return `Nothing short; mark ${usd(leg.mark_price)} USD.`;
  const prices = `from ${usd(leg.entry_price)}, mark ${usd(leg.mark_price)}`;
  return `${usd(leg.notional_usd, 0)} USD short ${prices}, leverage ${number(leg.leverage, 2)}.`;
}

function funding(leg) {
  if (!known(leg.funding_rate)) return "";
  if (Number(leg.funding_rate) === 0 && leg.next_funding_at === null) return "No funding.";
  const each = leg.funding_interval_h ? ` each ${leg.funding_interval_h} h` : "";
  const next = leg.next_funding_at ? `, next ${moment(leg.next_funding_at).slice(0, -3)}` : "";
  const whose = Number(leg.funding_rate) < 0 ? "paid" : "received";
  return `Funding ${percent(leg.funding_rate, 4)}${each}, ${whose}${next}.`;
}

function toneOf(finding) {
  if (finding.permission !== "any") return "bad";
  return finding.alarm ? "warn" : "good";
}
