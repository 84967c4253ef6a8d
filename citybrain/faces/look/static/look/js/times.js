// Keeps "10 分钟前" true while the page stands open. Older than a few hours: the server's words stay.
import { words } from "./words.js";

const MINUTE = 60;
const HOUR = 3600;

export function ago(at, now = Date.now()) {
  const seconds = (now - at) / 1000;
  const far = Math.abs(seconds);
  if (far < MINUTE) return words.now;
  if (far < HOUR) return seconds > 0 ? words.minutesAgo(Math.floor(far / MINUTE)) : words.minutesOn(Math.floor(far / MINUTE));
  if (far < 6 * HOUR) return seconds > 0 ? words.hoursAgo(Math.floor(far / HOUR)) : words.hoursOn(Math.floor(far / HOUR));
  return null;
}

function refresh() {
  for (const element of document.querySelectorAll("time[data-when]")) {
    const said = ago(Date.parse(element.dateTime));
    if (said && element.textContent !== said) element.textContent = said;
  }
}

function tick() {
  const now = new Date();
  for (const element of document.querySelectorAll("[data-clock]")) {
    element.textContent = now.toLocaleString(document.documentElement.lang, {
      timeZone: "Asia/Shanghai", month: "long", day: "numeric", weekday: "short", hour: "2-digit", minute: "2-digit", hour12: false,
    });
  }
}

refresh();
tick();
setInterval(() => { if (!document.hidden) { refresh(); tick(); } }, 20_000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) { refresh(); tick(); } });
