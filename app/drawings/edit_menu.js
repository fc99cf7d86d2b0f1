// Edit menu: the changes of a weight, a row, a head or a layer, where somebody points at it.
const CHANGES = [
  { kind: "zero", label: "Zero" },
  { kind: "flip", label: "Flip the sign" },
  { kind: "scale", value: 2, label: "Scale × 2" },
  { kind: "keep_positive", label: "Keep positive" },
  { kind: "keep_negative", label: "Keep negative" },
];
const HOLD = 600; // milliseconds of a long press

function menuButton(label, role) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.setAttribute("role", role);
  return button;
}

// places: {name, ...fields of an edit} each, the first is chosen; choose gets the fields of one with a kind.
function openEditMenu(host, { x, y }, places, choose) {
  host.querySelector(".edit-menu")?.remove();
  const menu = document.createElement("div");
  Object.assign(menu, { className: "edit-menu", popover: "auto" });
  menu.setAttribute("role", "menu");
  menu.setAttribute("aria-label", "Change weights");
  let chosen = places[0];
  const scopes = places.map((place) => {
    const button = menuButton(place.name, "menuitemradio");
    button.onclick = () => markScope(place);
    return button;
  });
  const markScope = (place) => {
    chosen = place;
    scopes.forEach((button, at) => button.setAttribute("aria-checked", places[at] === place));
  };
  const changes = CHANGES.map(({ label, ...change }) => {
    const button = menuButton(label, "menuitem");
    button.onclick = () => {
      const { name, ...place } = chosen;
      menu.hidePopover();
      choose({ ...place, ...change, stamp: Date.now() });
    };
    return button;
  });
  const row = document.createElement("div");
  row.className = "scopes";
  row.append(...scopes);
  menu.append(row, ...changes);
  const before = host.activeElement ?? document.activeElement;
  menu.onkeydown = (event) => {
    const all = [...scopes, ...changes];
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    all[(all.indexOf(event.target) + step + all.length) % all.length].focus();
  };
  menu.ontoggle = (event) => {
    if (event.newState !== "closed") return;
    menu.remove();
    before?.focus?.({ preventScroll: true });
  };
  markScope(chosen);
  host.append(menu);
  menu.showPopover();
  const box = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(4, Math.min(x, innerWidth - box.width - 4))}px`;
  menu.style.top = `${Math.max(4, Math.min(y, innerHeight - box.height - 4))}px`;
  changes[0].focus({ preventScroll: true });
}

// Right click and long press; open is told of the place and says whether there is a menu.
function openOnRequest(element, open) {
  let timer = 0;
  const stop = () => clearTimeout(timer);
  element.oncontextmenu = (event) => {
    stop();
    if (open(event)) event.preventDefault();
  };
  element.ontouchstart = ({ target, touches: [{ clientX, clientY }] }) => {
    stop();
    timer = setTimeout(() => open({ target, clientX, clientY }), HOLD);
  };
  element.ontouchend = element.ontouchmove = element.ontouchcancel = stop;
}
