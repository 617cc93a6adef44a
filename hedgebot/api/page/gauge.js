// The ratio on a scale, with its band and target.

import { known, number } from "./words.js";

export function drawGauge(gauge, hedge) {
  const part = (name) => gauge.querySelector(name);
  const ratio = known(hedge.ratio) ? Number(hedge.ratio) : null;
  const target = Number(hedge.target_ratio), band = Number(hedge.band);
  const reach = Math.max(band * 2.5, Math.abs((ratio ?? target) - target) * 1.25, 0.01);
  const low = Math.max(0, target - reach), high = target + reach;
  const from = Math.max(low, target - band), to = target + band;
  const share = (value) => `${Math.min(100, Math.max(0, ((value - low) / (high - low)) * 100))}%`;

  part(".band").style.left = share(from);
  part(".band").style.width = `${((to - from) / (high - low)) * 100}%`;
  part(".target").style.left = share(target);
  part(".needle").hidden = ratio === null;
  part(".needle").style.left = share(ratio ?? target);
  gauge.dataset.inside = String(ratio !== null && Math.abs(ratio - target) <= band);

  const marks = gauge.querySelectorAll(".scale span");
  for (const [index, value] of [from, target, to].entries()) {
    marks[index].style.left = share(value);
    marks[index].textContent = number(String(value), 3);
    marks[index].hidden = band === 0 && value !== target;
  }
  const edges = `${from.toFixed(3)} to ${to.toFixed(3)}`;
  const told = ratio === null ? "not known" : `${number(hedge.ratio, 4)}, band ${edges}`;
  const aria = { valuemin: low, valuemax: high, valuenow: ratio ?? low, valuetext: told };
  for (const [key, value] of Object.entries(aria)) gauge.setAttribute(`aria-${key}`, value);
}
