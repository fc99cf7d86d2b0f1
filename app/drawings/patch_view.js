// Patch view: the image as its patches, coloured by one row of the pattern, or one column; CLS and registers before.
const LARGEST_PATCH = 64;
const WIDEST_IMAGE = 336;

// A small canvas of every patch in the order of the tokens; null for those before the patches.
function patchCrops([rows, columns], picture, entries, count) {
  const [height, width] = entries.find(({ name }) => name === "picture").shape;
  const whole = document.createElement("canvas");
  Object.assign(whole, { width, height });
  whole.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(picture), width, height), 0, 0);
  const [tall, wide] = [Math.floor(height / rows), Math.floor(width / columns)];
  const crops = Array.from({ length: rows * columns }, (_, at) => {
    const crop = document.createElement("canvas");
    Object.assign(crop, { width: wide, height: tall });
    crop.getContext("2d").drawImage(whole, -wide * (at % columns), -tall * Math.floor(at / columns));
    return crop;
  });
  return [...Array(count - crops.length).fill(null), ...crops];
}

function drawCrop(context, crop, x, y, side) {
  if (!crop) return;
  context.imageSmoothingEnabled = false;
  context.drawImage(crop, x, y, side, side);
}

function layPatches(root, tokens, [rows, columns], crops) {
  const side = Math.max(12, Math.min(LARGEST_PATCH, Math.floor(WIDEST_IMAGE / columns)));
  root.classList.add("patches");
  root.style.setProperty("--columns", columns);
  root.style.setProperty("--side", `${side}px`);
  root.setAttribute("aria-label", "Patches of the image");
  const cells = tokens.map((name, index) => {
    const patch = document.createElement("button");
    patch.type = "button";
    patch.setAttribute("role", "option");
    patch.dataset.at = index;
    if (crops[index]) patch.crop = `url(${crops[index].toDataURL()})`;
    else {
      patch.textContent = name;
      patch.classList.add("before");
    }
    patch.setAttribute("aria-label", name);
    return patch;
  });
  root.replaceChildren(...cells);
  return cells;
}

// A veil over the crop: its colour is the sign, its strength the weight; stripes say "negative" without colours.
function veil(share) {
  const [red, green, blue] = signedColour(share < 0 ? -0.75 : 0.75, false);
  const tone = (strength) => `rgba(${red}, ${green}, ${blue}, ${(0.82 * Math.abs(share) * strength).toFixed(3)})`;
  if (!isNegative(share)) return `linear-gradient(${tone(1)}, ${tone(1)})`;
  return `repeating-linear-gradient(135deg, ${tone(1)} 0 5px, ${tone(0.6)} 5px 8px)`;
}

function colourPatches(cells, weights, chosen, { range, scale }) {
  cells.forEach((cell, index) => {
    const weight = weights[index];
    const masked = Number.isNaN(weight);
    const share = masked ? 0 : colourShare(weight, range, scale);
    cell.style.backgroundImage = [veil(share), cell.crop].filter(Boolean).join(", ");
    cell.classList.toggle("negative", isNegative(share));
    cell.classList.toggle("chosen", index === chosen);
    cell.setAttribute("aria-selected", index === chosen);
    cell.title = `${cell.getAttribute("aria-label")}: ${masked ? "masked" : signedNumber(weight)}`;
  });
}
