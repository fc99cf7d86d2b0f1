// Picture: draws a figure with plotly, unseen, and offers it as a file; once for every time that it is asked for.
async function savePicture({ figure, format, name, scale }) {
  const url = await window.headscopePlotly.toImage(JSON.parse(figure), { format, scale });
  const file = await (await fetch(url)).blob();
  download(file, file.type, `${name}.${format}`);
}

export default function ({ data }) {
  const saved = (window.headscopePictures ??= new Map());
  if (saved.get(data.key) === data.stamp) return;
  saved.set(data.key, data.stamp);
  const say = (failed) => window.dispatchEvent(new CustomEvent("headscope-picture", { detail: { key: data.key, failed } }));
  const save = () => savePicture(data).then(() => say(), (error) => say(error.message));
  if (window.headscopePlotly) save();
  else window.addEventListener("headscope-plotly", save, { once: true });
}
