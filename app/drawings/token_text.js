// Token text: a token as text that shows its blanks.
function shownToken(text) {
  return text.replace(/\r/g, "␍").replace(/\n/g, "↵").replace(/\t/g, "⇥").replace(/ /g, "·").replace(/[\u0000-\u001f\u007f]/g, "␀");
}

const clipped = (text, length) => ([...text].length > length ? `${[...text].slice(0, length - 1).join("")}…` : text);
const magnitude = (value) => (value !== 0 && value < 0.001 ? value.toExponential(1) : value.toFixed(3));
const unknown = (value) => value === null || Number.isNaN(value);
const signedNumber = (value) => (unknown(value) ? "—" : value === Infinity ? "not a number" : `${value < 0 ? "−" : "+"}${magnitude(Math.abs(value))}`);
const plainNumber = (value) => (unknown(value) ? "—" : `${value < 0 ? "−" : ""}${magnitude(Math.abs(value))}`);
