/**
 * Passwords of at least ten characters that lists of leaked ones hold most often, lower-cased; guessers
 * try these first (NIST 800-63B 5.1.1.2). Runs and repetitions are refused by rule and are not listed.
 */
const words = `
password12 password123 password1234 password12345 password123456 passw0rd123 p@ssw0rd123 p@ssword123 pa55word123 password01
password11 password99 password2020 password2021 password2022 password2023 password2024 password2025 password2026 password!1
mypassword mypassword1 thepassword newpassword yourpassword passwordpassword password.1 password@1 password@12 password@123
passwort123 contraseña motdepasse motdepasse1 motdepasse123 contrasena wachtwoord wachtwoord1 parola1234 haslo12345 salasana123
qwertyuiop qwertyuiop1 qwertyuiop123 qwertyuiop[] qwerty12345 qwerty123456 qwerty1234567890 qwertyqwerty qwertzuiop qwertz12345
qwertz123456 azertyuiop azerty12345 azerty123456 qwerty1234 qwert12345 qwe123qwe123 qweasdzxc1 qweasdzxc123 qwerasdfzxcv
qazwsxedc1 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc 1qazxsw23edc 1qaz@wsx3edc q1w2e3r4t5 q1w2e3r4t5y6 q1w2e3r4t5y6u7 1q2w3e4r5t6y7u8i
1qaz1qaz1qaz zaq12wsxcde3 zaq1xsw2cde3 qazwsx123456 qazwsxedcrfv asdfghjkl1 asdfghjkl123 asdfghjkl; asdfasdfasdf asdf123456
asdfghjkl12 asdqwe123456 zxcvbnm123 zxcvbnm1234 zxcvbnm12345 zxcvbnm,./ zxcvbnmasdfghjkl asdfghjklqwertyuiop poiuytrewq lkjhgfdsa1
mnbvcxz123 abcdefgh123 abcd123456 abcd1234567 abc123456789 abc1234567 abcdef123456 abc123abc123 a123456789 a1234567890 a1b2c3d4e5
a1b2c3d4e5f6 aa12345678 aa123456789 aa123123123 123456789a 123456789q 123456789z 123456789abc 1234567890a 1234567890q 12345qwert
12345qwerty 123456qwerty 123qwe123qwe 123qweasdzxc 123123123a 1234qwerasdf 123abc456def 12345abcde 0987654321a 147258369a
1472583690 1234512345 123456123456 1231231231 1212121212 1122334455 112233445566 1020304050 1029384756 9876543210a 0123456789a
7894561230 5555555555a 741852963a 7418529630 9638527410 1598753246 3141592653 3141592654 2718281828 1123581321 1234554321
123454321a iloveyou12 iloveyou123 iloveyou1234 iloveyou12345 iloveyou2000 iloveyouso ilovemyself iloveyou!! iloveyoubaby
iloveyouforever ilovejesus ilovemymom ilovemyfamily ilovemusic iloveschool forever123 princess12 princess123 sunshine12
sunshine123 superman123 batman12345 spiderman1 spiderman123 starwars123 pokemon123 football12 football123 basketball baseball12
baseball123 liverpool1 liverpool123 manchester chelsea123 barcelona1 barcelona123 realmadrid juventus123 monkey12345 dragon12345
shadow12345 master12345 michael123 jennifer123 jordan12345 charlie123 jessica123 welcome123 welcome1234 welcome12345 welcome2024
welcome2025 welcome2026 welcome@123 letmein123 letmein1234 letmeinnow trustno1234 whatever123 changeme123 changeme1234 changeit123
secret12345 secret1234 admin12345 admin123456 admin1234567 administrator administrator1 adminadmin admin@1234 administrateur
root123456 rootroot123 superuser1 student123 student1234 student12345 teacher123 teacher1234 university university1 computerlab
computer123 computer12 internet123 samsung123 google12345 facebook123 linkedin123 microsoft1 windows1234 ubuntu12345 debian12345
linux123456 default123 testtest123 test123456 test1234567 tester1234 testing123 guest12345 temp123456 temporary1 passphrase1
correcthorse correcthorsebatterystaple blink182blink hello12345 hello123456 helloworld helloworld1 helloworld123 goodmorning
nothing123 butterfly1 chocolate1 chocolate123
`;

export const frequentPasswords: ReadonlySet<string> = new Set(words.split(/\s+/).filter((word) => word !== ''));
