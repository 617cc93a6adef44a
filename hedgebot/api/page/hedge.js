// One hedge's part of the page. Everything that others wrote is put there as text, never as markup.

import { Charts } from "./charts.js";
import { drawGauge } from "./gauge.js";
import { alarmItems, coinRows, costRows, decisionItems, guardItems, legItems } from "./panels.js";
import { age, known, moment, nextStep, number, says, stateOf, swing, usd } from "./words.js";

const NO_NEWS = { word: "No news", sign: "?", tone: "idle" };
const DECISIONS = 12;

export class HedgeView {
  constructor(name, template, ask) {
    this.root = template.content.firstElementChild.cloneNode(true);
    this.root.id = name;
    this.stale = false;
    const slots = [...this.root.querySelectorAll("[data-slot]")];
    this.slots = Object.fromEntries(slots.map((slot) => [slot.dataset.slot, slot]));
    this.charts = new Charts(name, this.root.querySelector(".charts"), this.slots, ask, (decisions) => {
      this.list("decisions", decisionItems(decisions.slice(0, DECISIONS)));
    });
    this.write("name", name);
  }

  show(hedge, status) {
    Object.assign(this, { hedge, mode: status.mode, patience: status.stale_after_s });
    this.date();
    this.hero();
    this.ratio();
    this.bars();
    this.list("alarms", alarmItems(hedge.findings));
    this.root.querySelector(".alarms").hidden = this.slots.alarms.childElementCount === 0;
    this.list("coins", coinRows(hedge));
    this.list("legs", legItems(hedge));
    this.list("cost", costRows(hedge));
    this.list("guards", guardItems(hedge.findings));
  }

  // Whether the figures are those of the last cycle, or how long before it they were measured.
  date() {
    const { as_of: seen, last_cycle: last } = this.hedge;
    this.lag = seen && last ? Math.max(0, (Date.parse(last.at) - Date.parse(seen)) / 1000) : null;
    this.root.dataset.figures = this.lag === 0 ? "fresh" : "old";
  }

  hero() {
    const { hedge, stale } = this, { last_cycle: last, last_act: act } = hedge;
    const { word, sign, tone } = stale ? NO_NEWS : stateOf(hedge.state);
    const was = stale ? `Last known: ${stateOf(hedge.state).word.toLowerCase()}. ` : "";
    const also = hedge.paused && hedge.state !== "paused" ? " An operator paused it as well." : "";
    this.root.dataset.tone = tone;
    this.write("asset", hedge.asset);
    this.write("sign", sign);
    this.write("word", word);
    this.write("says", was + says(hedge, this.mode) + also);
    this.write("swing", this.lag === 0 && !stale ? swing(hedge) : "");
    this.write("value", known(hedge.value_usd) ? `${usd(hedge.value_usd)} USD` : "unknown");
    this.write("step", stale ? "See that hedgebot runs: its log tells." : nextStep(hedge, this.mode));
    this.write("why", last ? last.reason : "the first cycle has not ended yet");
    this.write("act", act ? `${moment(act.at)}: ${act.reason}` : "none on record");
  }

  ratio() {
    const { hedge } = this;
    this.write("ratio", number(hedge.ratio, 4, { minimumFractionDigits: 4 }));
    this.write("ratio-note", `target ${number(hedge.target_ratio, 4)}, band ±${number(hedge.band, 4)}`);
    drawGauge(this.slots.gauge, hedge);
  }

  // What is held above what is sold, to one scale.
  bars() {
    const whole = Math.max(Number(this.hedge.held) || 0, Number(this.hedge.sold) || 0);
    for (const name of ["spot", "collateral", "sold"]) {
      const share = whole > 0 ? Math.max(0, Number(this.hedge[name]) / whole) : 0;
      this.root.querySelector(`.coins .${name}`).style.width = `${share * 100}%`;
    }
  }

  // Ages grow between answers; `silent` means that none come any more.
  tick(since, silent) {
    const last = this.hedge.last_cycle, cycle = last ? last.age_s + since : null;
    const stuck = cycle !== null && cycle > this.patience;
    if (this.stale !== (silent || stuck)) {
      this.stale = silent || stuck;
      this.root.dataset.stale = String(this.stale);
      this.hero();
    }
    this.ages(cycle);
    this.old(stuck && !silent);
    this.charts.tick(silent);
  }

  ages(cycle) {
    const { last_cycle: last, costs_as_of: costs } = this.hedge;
    const measured = this.lag === null ? "never measured" : `measured ${age(cycle + this.lag)} ago`;
    const counted = last && costs ? Math.max(0, (Date.parse(last.at) - Date.parse(costs)) / 1000) + cycle : null;
    for (const slot of ["measured-ratio", "measured-coins", "measured-legs"]) this.write(slot, measured);
    this.write("counted", counted === null ? "not counted yet" : `counted ${age(counted)} ago`);
    this.write("judged", last ? `judged ${age(cycle)} ago` : "");
    this.write("cycle", last ? `${measured}, decided ${age(cycle)} ago in cycle ${last.id}` : "");
  }

  old(stuck) {
    const { as_of: seen, last_cycle: last } = this.hedge;
    let told = "";
    if (stuck) told = "No cycle of this hedge ended lately: these words and figures are old. See the log.";
    else if (last && !seen) told = "Nothing has been measured yet.";
    else if (last && this.lag > 0) {
      told = `The figures below are of ${moment(seen)} UTC. What is true now is not known.`;
    }
    this.slots.old.hidden = told === "";
    this.write("old", told);
  }

  write(slot, text) {
    if (this.slots[slot].textContent !== text) this.slots[slot].textContent = text;
  }

  // Replaced only when something changed, so that nothing flickers under a reader or a selection.
  list(slot, items) {
    const shown = [...this.slots[slot].children];
    if (items.length === shown.length && items.every((item, index) => item.isEqualNode(shown[index]))) return;
    this.slots[slot].replaceChildren(...items);
  }
}
