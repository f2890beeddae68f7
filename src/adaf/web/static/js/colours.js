// The palette lives in adaf.css; a canvas asks here for a colour of it as the browser resolves it now.
export function colours(element, names) {
  const probe = element.appendChild(document.createElement("span"));
  probe.hidden = true;
  const found = names.map((name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return found;
}

export function alpha(colour, share) {
  return colour.replace(/^rgb\((.*)\)$/, `rgba($1, ${share})`);
}
