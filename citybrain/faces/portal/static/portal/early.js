// Before the first paint: scripts run here, so what needs them has its place from the start.
document.documentElement.classList.add("pt-scripted");
