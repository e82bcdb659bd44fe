/** Something that may be wider than its place: it fades where there is more, and then Tab reaches it, to scroll. */

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

interface Overflow {
  left: boolean;
  right: boolean;
  down: boolean;
}

function overflowOf(box: HTMLElement): Overflow {
  return {
    left: box.scrollLeft > 1,
    right: box.scrollLeft + box.clientWidth < box.scrollWidth - 1,
    down: box.clientHeight < box.scrollHeight - 1,
  };
}

export function Sideways({ label, children }: { label: string; children: ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  const [{ left, right, down }, setOverflow] = useState<Overflow>({ left: false, right: false, down: false });

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const look = (): void =>
      setOverflow((old) => {
        const now = overflowOf(element);
        return old.left === now.left && old.right === now.right && old.down === now.down ? old : now;
      });
    const watch = new ResizeObserver(look);
    for (const part of [element, ...element.children]) watch.observe(part);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      watch.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, []);

  const wide = left || right;
  return (
    <div class={`sideways ${left ? 'more-left' : ''} ${right ? 'more-right' : ''}`}>
      <div
        ref={box}
        class="table-wrap"
        role="group"
        tabIndex={wide || down ? 0 : undefined}
        aria-label={wide ? `${label}, scrolls sideways` : label}
      >
        {children}
      </div>
    </div>
  );
}
