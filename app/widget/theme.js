// Theme: light or dark as the page around is, under the names of colours that drawings read.
const THEMES = {
  light: { text: "#1f2430", background: "#ffffff", "secondary-background": "#f5f6fa", border: "#dde1ea", primary: "#4f46e5" },
  dark: { text: "#e8eaf0", background: "#0f1117", "secondary-background": "#171a23", border: "#2d3240", primary: "#a5a0ff" },
};
const darkWished = window.matchMedia("(prefers-color-scheme: dark)");

// The first colour that is painted behind an element; null where none is.
function colourBehind(element) {
  for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
    const parts = getComputedStyle(at).backgroundColor.match(/[\d.]+/g)?.map(Number);
    if (parts && (parts.length < 4 || parts[3] > 0.5)) return parts;
  }
  return null;
}

function isDarkBehind(element) {
  const kind = document.body.dataset.vscodeThemeKind;
  if (kind) return !kind.includes("light");
  const colour = colourBehind(element);
  return colour ? 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2] < 110 : darkWished.matches;
}

// Gives an element the colours of the page around it, now and whenever that changes; returns what ends this.
function followTheme(element, changed) {
  let shown = null;
  const look = () => {
    const theme = isDarkBehind(element.parentElement) ? "dark" : "light";
    if (theme === shown) return;
    shown = theme;
    for (const [name, colour] of Object.entries(THEMES[theme])) {
      element.style.setProperty(`--st-${name}-color`, colour);
    }
    element.style.colorScheme = theme;
    changed();
  };
  const observer = new MutationObserver(() => requestAnimationFrame(look));
  for (const root of [document.documentElement, document.body]) observer.observe(root, { attributes: true });
  darkWished.addEventListener("change", look);
  look();
  return () => {
    observer.disconnect();
    darkWished.removeEventListener("change", look);
  };
}
