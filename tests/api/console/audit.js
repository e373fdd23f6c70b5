// What is wrong with a page for someone who cannot see it well, or at all: a list of words.
() => {
  const wrong = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (element) => element.checkVisibility() && !element.closest('.unseen, .skip');

  if (!document.documentElement.lang) wrong.push('the page has no language');
  if (!document.title) wrong.push('the page has no title');
  if (all('h1').length !== 1) wrong.push(`${all('h1').length} h1`);
  if (all('main').length !== 1) wrong.push(`${all('main').length} main`);
  for (const field of all('input:not([type=hidden])'))
    if (!field.labels.length) wrong.push(`no label: ${field.outerHTML}`);
  for (const image of all('img')) if (!image.hasAttribute('alt')) wrong.push(`no alt: ${image.outerHTML}`);
  for (const image of all('[role=img]'))
    if (!image.getAttribute('aria-label')) wrong.push(`no label: ${image.outerHTML}`);
  for (const one of all('nav, [role=search] ~ nav'))
    if (!one.getAttribute('aria-label')) wrong.push('a nav without a name');
  for (const one of all('a, button'))
    if (!(one.innerText.trim() || one.getAttribute('aria-label')) && shown(one)) wrong.push(`no words: ${one.outerHTML}`);
  for (const one of all('[aria-labelledby], [aria-describedby]'))
    for (const id of (one.getAttribute('aria-labelledby') || one.getAttribute('aria-describedby')).split(' '))
      if (!document.getElementById(id)) wrong.push(`names ${id}, which is not there`);
  const ids = all('[id]').map((one) => one.id);
  for (const id of new Set(ids)) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`id ${id} twice`);

  const over = document.documentElement.scrollWidth - window.innerWidth;
  if (over > 0) wrong.push(`wider than the window by ${over} px`);
  for (const one of all('a, button, input, summary')) {
    const box = one.getBoundingClientRect();
    if (shown(one) && (box.height < 20 || box.width < 20)) wrong.push(`too small: ${one.outerHTML} ${box.width}x${box.height}`);
  }

  const light = ([r, g, b]) => {
    const part = (value) => ((value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = numbers(getComputedStyle(one).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const ratio = (one, two) => {
    const [low, high] = [light(one), light(two)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  for (const element of all('body *')) {
    const words = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!words || !shown(element) || element.closest('svg')) continue;
    const found = ratio(numbers(getComputedStyle(element).color), behind(element));
    if (found < 4.5) wrong.push(`contrast ${found.toFixed(2)}: ${element.outerHTML.slice(0, 80)}`);
  }
  for (const piece of all('.bar rect')) {
    const fill = getComputedStyle(piece).fill;
    if (/\bt\d\b/.test(piece.className.baseVal) && ratio(numbers(fill), behind(piece.closest('.panel, .matches'))) < 3)
      wrong.push(`a bar of little contrast: ${piece.className.baseVal} ${fill}`);
  }
  return wrong;
}
