// The words that scripts say. Both languages have the same keys (a test holds that).
const WORDS = {
  zh: {
    now: "刚刚",
    minutesAgo: (n) => `${n} 分钟前`,
    hoursAgo: (n) => `${n} 小时前`,
    minutesOn: (n) => `${n} 分钟后`,
    hoursOn: (n) => `${n} 小时后`,
    undo: "撤销",
    close: "关闭",
    confirm: "确定",
    cancel: "取消",
    sure: "请确认",
    previous: "上一张",
    next: "下一张",
    remove: "移除",
    photoOf: (n, all) => `${n} / ${all}`,
    tooMany: (n) => `最多 ${n} 张`,
    failed: "没有完成：服务器没有回应，请稍后再试。",
    offline: "没有完成：网络中断，请检查网络后再试。",
    forbidden: "您无权进行此操作。",
    gone: "内容已不存在，请刷新页面。",
    busy: "操作太频繁，请稍后再试。",
    signedOut: "登录已失效，请重新登录。",
    queued: "没有网络，已存在本机，联网后自动发送。",
    sent: "已发送。",
    refused: "这条内容没有被接收，请打开检查后再提交。",
    undone: "已撤销。",
    showTable: "看数据表",
    showChart: "看图",
    mapFailed: "地图没有载入，请检查网络后刷新。",
    chartFailed: "图表没有载入，请看数据表。",
    locate: "我的位置",
    locating: "正在定位…",
    notLocated: "没有取得位置，请在地图上拖动选择。",
    zoomIn: "放大",
    zoomOut: "缩小",
    cases: (n) => `${n} 件`,
  },
  en: {
    now: "just now",
    minutesAgo: (n) => (n === 1 ? "1 minute ago" : `${n} minutes ago`),
    hoursAgo: (n) => (n === 1 ? "1 hour ago" : `${n} hours ago`),
    minutesOn: (n) => (n === 1 ? "in 1 minute" : `in ${n} minutes`),
    hoursOn: (n) => (n === 1 ? "in 1 hour" : `in ${n} hours`),
    undo: "Undo",
    close: "Close",
    confirm: "Confirm",
    cancel: "Cancel",
    sure: "Please confirm",
    previous: "Previous photo",
    next: "Next photo",
    remove: "Remove",
    photoOf: (n, all) => `${n} of ${all}`,
    tooMany: (n) => `No more than ${n} photos`,
    failed: "That didn’t work: the server didn’t answer. Please try again shortly.",
    offline: "That didn’t work: you’re offline. Check your connection and try again.",
    forbidden: "You aren’t allowed to do this.",
    gone: "This no longer exists. Please reload the page.",
    busy: "Too many attempts. Please wait a moment.",
    signedOut: "You’ve been signed out. Please sign in again.",
    queued: "You’re offline. Saved on this device; it will be sent when you’re back online.",
    sent: "Sent.",
    refused: "This wasn’t accepted. Please open it, check it and submit again.",
    undone: "Undone.",
    showTable: "Show table",
    showChart: "Show chart",
    mapFailed: "The map didn’t load. Check your connection and reload.",
    chartFailed: "The chart didn’t load. See the table instead.",
    locate: "My location",
    locating: "Locating…",
    notLocated: "Couldn’t get your location. Drag the map to choose the place.",
    zoomIn: "Zoom in",
    zoomOut: "Zoom out",
    cases: (n) => (n === 1 ? "1 case" : `${n} cases`),
  },
};

export const language = document.documentElement.lang.startsWith("en") ? "en" : "zh";
export const words = WORDS[language];

const SHORT = 10000;

export function amount(value, digits = 0) {
  if (value === null || value === undefined) return "–";
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

// A number for an axis: 12,000 is 1.2万 or 12k.
export function short(value) {
  if (Math.abs(value) < SHORT) return amount(value, Number.isInteger(value) ? 0 : 1);
  return language === "zh" ? `${+(value / 1e4).toFixed(1)}万` : `${+(value / 1e3).toFixed(1)}k`;
}
