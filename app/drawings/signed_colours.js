// Signed colours: zero is the paper (white, or near black in the dark), blue is positive, red is negative.
const RAMPS = {
  light: ["8e0b25", "c0272d", "e0685a", "f4a88f", "fcdccb", "ffffff", "d3e6f5", "94c4e3", "4a96cc", "1f66ad", "0a3a75"],
  dark: ["ffc2b8", "ff8a78", "e2504a", "9d2c34", "4e1c25", "12141b", "16304f", "1e5690", "3686d0", "72b4f4", "c0e0ff"],
};
const MASKED = { light: [229, 231, 237], dark: [38, 42, 54] };

const channels = (hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));

function isDark(parent) {
  const colour = getComputedStyle(parent.host ?? parent).getPropertyValue("--st-background-color").trim();
  const [red, green, blue] = /^#[0-9a-f]{6}/i.test(colour) ? channels(colour.slice(1)) : [255, 255, 255];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 110;
}

// A share of the range in [-1, 1] as [red, green, blue].
function signedColour(share, dark) {
  const ramp = dark ? RAMPS.dark : RAMPS.light;
  const place = ((Math.max(-1, Math.min(1, share)) + 1) / 2) * (ramp.length - 1);
  const low = Math.min(Math.floor(place), ramp.length - 2);
  const [from, to] = [channels(ramp[low]), channels(ramp[low + 1])];
  return from.map((value, k) => Math.round(value + (to[k] - value) * (place - low)));
}

const css = ([red, green, blue]) => `rgb(${red}, ${green}, ${blue})`;

// How bright a colour is, from 0 to 1, as the guidelines for readable pages count it.
function luminance(colour) {
  const [red, green, blue] = colour.map((part) => (part <= 10 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

// The ink that is told better from a colour: black from 0.179 on, where both have 4.58 : 1.
const readable = (colour) => (luminance(colour) > 0.179 ? "#000000" : "#ffffff");

// A weight as its share of the colour range, on a linear or a square-root scale.
function colourShare(weight, range, scale) {
  const share = Math.max(-1, Math.min(1, weight / range));
  return scale === "square root" ? Math.sign(share) * Math.sqrt(Math.abs(share)) : share;
}

// Whether a share of the range is marked as negative by more than its colour.
const isNegative = (share) => share < -0.05;

// How codes of signed_code.py are read: top is the code of the peak, masked the code of a masked cell.
const CODES = {
  Int8Array: { top: 127, masked: -128 },
  Int16Array: { top: 32767, masked: -32768 },
};

function decoded(code, top, peak) {
  const root = code / top;
  return Math.sign(root) * root * root * peak;
}

// Pixel (as one little-endian word) of every code of an array's type, from the smallest code up.
function pixelTable(codes, peak, range, scale, dark) {
  const { top, masked } = CODES[codes.constructor.name];
  const word = ([red, green, blue]) => (255 << 24) | (blue << 16) | (green << 8) | red;
  const steps = Uint32Array.from({ length: 511 }, (_, step) => word(signedColour((step - 255) / 255, dark)));
  const table = new Uint32Array(top - masked + 1);
  table[0] = word(MASKED[dark ? "dark" : "light"]);
  for (let code = masked + 1; code <= top; code += 1) {
    table[code - masked] = steps[255 + Math.round(255 * colourShare(decoded(code, top, peak), range, scale))];
  }
  return table;
}
