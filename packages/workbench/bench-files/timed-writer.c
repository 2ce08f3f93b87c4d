/*
 * The busy guest of `npm run bench -- multisnapshot`: writes 4 KiB after 4 KiB to a disk, each durable before the next, and says of
 * each on its standard output when it was issued and how long it took, in microseconds of the guest's monotonic clock:
 *
 *   w ISSUED LATENCY
 *
 * It writes the same 16 MiB in a circle, from 16 MiB on.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { block = 4096, blocks = 4096 };

static long long now_us(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000LL + at.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    int disk = open(argc > 1 ? argv[1] : "/dev/vda", O_WRONLY | O_DIRECT | O_DSYNC);
    void *bytes;
    if (disk < 0 || posix_memalign(&bytes, block, block) != 0) {
        perror("paravcl-bench writer");
        return 1;
    }
    for (unsigned number = 0;; number++) {
        memset(bytes, (int)(number & 0xff), block);
        memcpy(bytes, &number, sizeof number);
        long long issued = now_us();
        if (pwrite(disk, bytes, block, (off_t)(blocks + number % blocks) * block) != block) {
            perror("paravcl-bench writer");
            return 1;
        }
        printf("w %lld %lld\n", issued, now_us() - issued);
        fflush(stdout);
    }
}
