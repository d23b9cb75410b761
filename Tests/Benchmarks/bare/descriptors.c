/* The least that a program can do to find the owners of sockets: every descriptor of every process
   is read, and nothing is kept. */

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    DIR *processes = opendir("/proc");
    struct dirent *process, *entry;
    char path[300], target[64];
    long sockets = 0;
    if (!processes)
        return 2;
    while ((process = readdir(processes))) {
        if (!isdigit((unsigned char)process->d_name[0]))
            continue;
        snprintf(path, sizeof path, "/proc/%s/fd", process->d_name);
        DIR *descriptors = opendir(path);
        if (!descriptors)
            continue;
        while ((entry = readdir(descriptors)))
            if (entry->d_name[0] != '.') {
                long length = readlinkat(dirfd(descriptors), entry->d_name, target, sizeof target);
                sockets += length > 8 && !memcmp(target, "socket:[", 8);
            }
        closedir(descriptors);
    }
    printf("%ld\n", sockets);
    return 0;
}
