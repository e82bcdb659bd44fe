/** The Leaflet map: countries, graticule, tracks, and a pin for each lion. */

import * as L from 'leaflet';
import { longTime } from '../lib/days.ts';
import { BAND_NAMES, bandColour, bandOf, nameOf } from '../lib/health.ts';
import { colourOf } from '../state/theme.ts';
import { drawGraticule } from './graticule.ts';
import { Locator } from './locator.ts';
import { part, type Track } from './tracks.ts';
import { loadCountries, namedRings, placeNames } from './world.ts';

export interface Spot {
  lion_id: string;
  name: string | null;
  health_score: number | null;
  position_date: string;
  lat: number;
  lng: number;
}

export interface Shown {
  since: number;
  until: number;
  chosen: string | null;
}

const PINS_AT_MOST = 300; // above this, dots on the canvas: the list beside the map stays the way in by keyboard
const LABELS_AT_MOST = 40;
const LABEL_PX = 110; // about as wide as a lion's name
const LOCATOR_FROM_PX = 440;
const START: L.LatLngTuple = [-23, 22];

function isChosen(pin: L.Marker | L.CircleMarker): boolean {
  return pin instanceof L.Marker && (pin.getElement()?.classList.contains('chosen') ?? false);
}

export class MapView {
  readonly map: L.Map;
  #world = L.layerGroup();
  #graticule = L.layerGroup();
  #names = L.layerGroup();
  #tracks = L.layerGroup();
  #pins = new Map<string, L.Marker | L.CircleMarker>();
  #spots = new Map<string, Spot>();
  #chosen: string | null = null;
  #countries: ReturnType<typeof namedRings> = [];
  #land: L.GeoJSON | null = null;
  #locator: Locator | null = null;
  #closed = false;
  #fitted = false;
  #renderer = L.canvas({ padding: 0.4 });

  constructor(
    element: HTMLElement,
    private readonly choose: (lionId: string) => void,
    private readonly popup: (spot: Spot) => HTMLElement,
  ) {
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.map = L.map(element, {
      center: START,
      zoom: 5,
      minZoom: 2,
      maxZoom: 15,
      renderer: this.#renderer,
      zoomSnap: 0.5,
      zoomAnimation: !still,
      fadeAnimation: !still,
      markerZoomAnimation: !still,
      worldCopyJump: true,
      attributionControl: false,
    });
    L.control.attribution({ prefix: false }).addAttribution('Made with Natural Earth').addTo(this.map);
    L.control.scale({ imperial: false, maxWidth: 140 }).addTo(this.map);
    this.map.createPane('names').style.zIndex = '450';
    for (const layer of [this.#world, this.#graticule, this.#names, this.#tracks]) layer.addTo(this.map);
    this.map.on('moveend resize', () => this.#dress());
    this.map.on('zoomend', () => this.#uncover());
    this.map.on('popupopen', (event) => this.#enter(event.popup));
  }

  /** Draws the countries; throws when they cannot be loaded. */
  async drawWorld(): Promise<void> {
    const countries = await loadCountries();
    if (this.#closed) return;
    this.#countries = namedRings(countries);
    this.#land = L.geoJSON(countries, { interactive: false, style: () => this.#landStyle() }).addTo(this.#world);
    if (this.map.getSize().x > LOCATOR_FROM_PX) this.#locator = new Locator(this.map, countries);
    this.#dress();
  }

  #landStyle(): L.PathOptions {
    return { color: colourOf('--border-line'), weight: 1, fillColor: colourOf('--land'), fillOpacity: 1 };
  }

  #dress(): void {
    drawGraticule(this.map, this.#graticule, colourOf('--grid-line'));
    placeNames(this.map, this.#names, this.#countries);
  }

  /** Draw everything anew in the colours of the theme, the spots when they are shown next. */
  recolour(): void {
    this.#spots.clear();
    this.#land?.setStyle(this.#landStyle());
    this.#locator?.recolour();
    this.#dress();
  }

  showTracks(tracks: ReadonlyMap<string, Track>, spots: readonly Spot[], shown: Shown): void {
    this.#tracks.clearLayers();
    const halo = colourOf('--land');
    const ordered = [...spots].sort((a, b) => Number(a.lion_id === shown.chosen) - Number(b.lion_id === shown.chosen));
    for (const spot of ordered) {
      const colour = colourOf(`--band-${bandOf(spot.health_score).replace('_', '-')}`);
      const chosen = spot.lion_id === shown.chosen;
      const faded = shown.chosen !== null && !chosen;
      for (const walk of tracks.get(spot.lion_id)?.walks ?? []) {
        const points = part(walk, shown.since, shown.until);
        if (points.length < 2) continue;
        if (chosen)
          L.polyline(points, { color: halo, weight: 6, opacity: 0.9, interactive: false }).addTo(this.#tracks);
        L.polyline(points, {
          color: colour,
          weight: chosen ? 3 : 2,
          opacity: faded ? 0.25 : 0.8,
          interactive: false,
        }).addTo(this.#tracks);
      }
    }
  }

  /** Of thousands of lions few move at a time: a pin is touched where its spot is another object than before. */
  showSpots(spots: readonly Spot[], chosen: string | null): void {
    const before = this.#spots;
    const turned = new Set(chosen === this.#chosen ? [] : [chosen, this.#chosen]);
    this.#chosen = chosen;
    this.#spots = new Map(spots.map((spot) => [spot.lion_id, spot]));
    const asPins = spots.length <= PINS_AT_MOST;
    for (const [id, pin] of this.#pins) {
      if (this.#spots.has(id) && pin instanceof L.Marker === asPins) continue;
      pin.remove();
      this.#pins.delete(id);
    }
    for (const spot of spots) {
      const id = spot.lion_id;
      if (before.get(id) === spot && this.#pins.has(id) && !turned.has(id)) continue;
      this.#pin(spot, asPins, id === chosen, spots.length <= LABELS_AT_MOST);
    }
    if (!this.#fitted && spots.length) this.fit(spots);
    this.#uncover();
  }

  #pin(spot: Spot, asPin: boolean, chosen: boolean, labelled: boolean): void {
    const band = bandOf(spot.health_score);
    let pin = this.#pins.get(spot.lion_id);
    if (!pin) {
      pin = asPin
        ? L.marker([spot.lat, spot.lng], {
            icon: L.divIcon({ className: 'pin', html: '<i></i>', iconSize: [26, 26] }),
            riseOnHover: true,
          })
        : L.circleMarker([spot.lat, spot.lng], { radius: 5, weight: 1.5 });
      pin.on('click', () => this.choose(spot.lion_id));
      pin
        .bindPopup(() => this.popup(this.#spots.get(spot.lion_id) ?? spot), { autoPanPadding: [30, 30] })
        .addTo(this.map);
      if (labelled)
        pin.bindTooltip(nameOf(spot), { permanent: true, direction: 'right', offset: [9, 0], className: 'lion-label' });
      this.#pins.set(spot.lion_id, pin);
    }
    if (pin.isPopupOpen()) pin.getPopup()?.update();
    pin.setLatLng([spot.lat, spot.lng]);
    if (pin instanceof L.Marker) {
      const element = pin.getElement();
      pin.setZIndexOffset(chosen ? 1000 : 0);
      element?.style.setProperty('--dot', bandColour(band));
      element?.classList.toggle('chosen', chosen);
      element?.setAttribute(
        'aria-label',
        `${nameOf(spot)}, health ${BAND_NAMES[band]}, last fix ${longTime(spot.position_date)}`,
      );
      element?.setAttribute('data-lion', spot.lion_id);
    } else {
      pin.setStyle({
        color: colourOf('--card'),
        fillColor: colourOf(`--band-${band.replace('_', '-')}`),
        fillOpacity: 1,
        radius: chosen ? 9 : 5,
      });
    }
  }

  /** Of names that would lie on each other, only the first is shown; the chosen lion's always. */
  #uncover(): void {
    const taken: L.Bounds[] = [];
    const pins = [...this.#pins].sort(([, a], [, b]) => Number(isChosen(b)) - Number(isChosen(a)));
    for (const [, pin] of pins) {
      const label = pin.getTooltip();
      const element = label?.getElement();
      if (!element) continue;
      const corner = this.map.latLngToLayerPoint(pin.getLatLng()).add([9, -8]);
      const box = L.bounds(corner, corner.add([element.offsetWidth, 16]));
      const covered = taken.some((other) => other.overlaps(box));
      element.classList.toggle('covered', covered);
      if (!covered) taken.push(box);
    }
  }

  /** Whoever opened a popup by keyboard goes into it, and comes back to the pin by Escape. */
  #enter(popup: L.Popup): void {
    const from = document.activeElement;
    const link = popup.getElement()?.querySelector<HTMLElement>('.popup a');
    if (!link || !(from instanceof HTMLElement) || !from.matches('.pin:focus-visible')) return;
    link.focus();
    link.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      popup.close();
      from.focus();
    });
  }

  /** Show that a lion's fix came just now. */
  pulse(lionId: string): void {
    const element = (this.#pins.get(lionId) as L.Marker | undefined)?.getElement?.();
    element?.classList.remove('fresh');
    requestAnimationFrame(() => element?.classList.add('fresh'));
  }

  fit(spots: readonly Spot[]): void {
    this.#fitted = true;
    if (spots.length)
      this.map.fitBounds(L.latLngBounds(spots.map(({ lat, lng }): L.LatLngTuple => [lat, lng])), {
        paddingTopLeft: [60, 50],
        paddingBottomRight: [this.map.getSize().x > LOCATOR_FROM_PX ? 235 : LABEL_PX, 50],
        maxZoom: 11,
      });
  }

  /** Bring a lion into view and open what is known of it. */
  visit(lionId: string, bounds: L.LatLngBounds | null, open: boolean): void {
    const pin = this.#pins.get(lionId);
    if (!pin) return;
    if (bounds?.isValid())
      this.map.fitBounds(bounds, { paddingTopLeft: [50, 50], paddingBottomRight: [LABEL_PX, 50], maxZoom: 12 });
    else this.map.setView(pin.getLatLng(), Math.max(this.map.getZoom(), 10));
    if (open) pin.openPopup();
  }

  /** Paths go first, and the canvas a frame later: Leaflet draws once more when paths go. */
  close(): void {
    this.#closed = true;
    this.map.off();
    this.map.stop();
    this.#locator?.clear();
    for (const pin of this.#pins.values()) pin.remove();
    for (const layer of [this.#world, this.#graticule, this.#names, this.#tracks]) layer.clearLayers();
    requestAnimationFrame(() => {
      this.#locator?.remove();
      this.map.remove();
    });
  }
}
