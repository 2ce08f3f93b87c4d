import { lateReservations } from './late-reservations';

describe('reservations of crowded simulated sites', () => {
  it('have their room in time when they were promised it, though saves take up to twice as long as predicted', () => {
    const kept = lateReservations(50, 3);
    expect(kept.late).toBe(0);
    expect(kept.reservations).toBeGreaterThanOrEqual(50);
    expect(kept.promisedClaims).toBeGreaterThan(25);
    expect(kept.promisedClaims).toBeLessThanOrEqual(kept.claims);
    expect(kept.saves).toBeGreaterThan(kept.promisedClaims);
  });

  it('are late, and told so, when saves take longer than the lead allows for', () => {
    expect(lateReservations(20, 3, { longestSave: 30 }).late).toBeGreaterThan(0);
  });

  it('are the same for the same seed', () => {
    expect(lateReservations(5, 5)).toEqual(lateReservations(5, 5));
    expect(lateReservations(5, 5)).not.toEqual(lateReservations(5, 6));
  });
});
