// Fact strip: names and values as text.
export default function ({ data, parentElement }) {
  const list = parentElement.querySelector("dl");
  list.replaceChildren(
    ...data.map(([name, value]) => {
      const pair = document.createElement("div");
      const term = document.createElement("dt");
      const fact = document.createElement("dd");
      term.textContent = name;
      fact.textContent = value;
      pair.append(term, fact);
      return pair;
    }),
  );
}
