// Before the first paint: scripts run here, so what needs them has its place from the start.
document.documentElement.classList.add("pt-scripted");
// Which question the address named when the page came: one that is named later was gone to by hand.
document.documentElement.dataset.cameAt = location.hash;
