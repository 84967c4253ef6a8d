// What people type, brought to one form: widths, dates, numbers with signs of thousands; and blocks from a workbook.
const DATE = /^(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*[-/.月]?\s*(\d{1,2})\s*日?$/;
const YES = new Map([["是", "是"], ["√", "是"], ["1", "是"], ["y", "是"], ["yes", "是"], ["true", "是"], ["否", "否"], ["×", "否"], ["0", "否"], ["n", "否"], ["no", "否"], ["false", "否"]]);

export function tidy(text, column) {
  const plain = String(text).normalize("NFKC").trim();
  if (!plain) return "";
  if (column.kind === "number") return plain.replace(/[,\s](?=\d)/g, "");
  if (column.kind === "date") {
    const found = DATE.exec(plain) ?? (/^\d{8}$/.test(plain) ? DATE.exec(`${plain.slice(0, 4)}-${plain.slice(4, 6)}-${plain.slice(6)}`) : null);
    return found ? `${found[1]}-${found[2].padStart(2, "0")}-${found[3].padStart(2, "0")}` : plain;
  }
  if (column.options?.length) {
    const same = column.options.find((one) => one === text.trim() || one.normalize("NFKC") === plain);
    if (same) return same;
    const yes = YES.get(plain.toLowerCase());
    return column.options.includes(yes) ? yes : plain;
  }
  return String(text).trim();
}

// A block as Excel puts it on the clipboard: tabs between cells, quotes around those with line breaks.
export function parseBlock(text) {
  const rows = [[]];
  let cell = "";
  let quoted = false;
  const source = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  for (let at = 0; at < source.length; at += 1) {
    const sign = source[at];
    if (quoted) {
      if (sign === '"' && source[at + 1] === '"') { cell += '"'; at += 1; } else if (sign === '"') quoted = false;
      else cell += sign;
    } else if (sign === '"' && cell === "") quoted = true;
    else if (sign === "\t") { rows.at(-1).push(cell); cell = ""; } else if (sign === "\n") { rows.at(-1).push(cell); cell = ""; rows.push([]); } else cell += sign;
  }
  rows.at(-1).push(cell);
  return rows;
}

const quote = (text) => (/["\t\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

export const formatBlock = (rows) => rows.map((row) => row.map(quote).join("\t")).join("\n");
