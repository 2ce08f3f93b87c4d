import { judgeServerVersion } from './server-version';

test.each(['10.11.19-MariaDB-0+deb12u1', '11.8.2-MariaDB', '5.5.5-10.11.2-MariaDB', '8.0.43', '8.4.0-commercial', '9.1.0'])('%s is taken', (version) => {
  expect(judgeServerVersion(version)).toBeNull();
});

test.each(['10.6.18-MariaDB', '5.5.5-10.3.39-MariaDB', '5.7.44-log', 'unknown', '10.5.0-mariadb'])('%s is refused with what is needed', (version) => {
  expect(judgeServerVersion(version)).toMatch(/is (MariaDB|MySQL) ".+"; needed is MariaDB 10\.11 or newer, or MySQL 8\.0/);
});
